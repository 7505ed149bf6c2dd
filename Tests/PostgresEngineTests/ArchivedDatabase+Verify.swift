import PostgresEngine

extension ArchivedDatabase {
  /// Where the stored WAL ends: everything before it is there.
  func archiveEnd(_ incarnation: IncarnationID? = nil) async throws -> LSN {
    let id: IncarnationID
    if let incarnation { id = incarnation } else { id = try await root }
    let catalog = try await catalog()
    let inventories = try await catalog.inventories(of: id)
    let runs = try await catalog.lineage(of: id, inventories, bases: []).coverage(inventories)
    return runs.last?.end ?? LSN(0)
  }

  /// Reads every stored byte as WAL: one unbroken chain of records with right checksums. Returns them.
  @discardableResult
  func verifyArchive(_ incarnation: IncarnationID? = nil) async throws -> [WALRecord] {
    let id: IncarnationID
    if let incarnation { id = incarnation } else { id = try await root }
    let catalog = try await catalog()
    let inventories = try await catalog.inventories(of: id)
    let lineage = try await catalog.lineage(of: id, inventories, bases: [])
    let runs = lineage.coverage(inventories)
    guard runs.count == 1 else { throw TestFailure("the archive has \(runs.count) stretches: \(runs)") }
    let archive = catalog.archive(id, lineage.segmentSize)
    var reader = WALRecordReader(
      start: LSN(runs[0].first * lineage.segmentSize.bytes), segmentSize: lineage.segmentSize)
    var records: [WALRecord] = []
    for number in runs[0].first...runs[0].last {
      guard let name = lineage.segment(number) else { throw TestFailure("no piece has segment \(number)") }
      if let whole = try await archive.segment(name) {
        records += try reader.feed(whole)
      } else if let beginning = try await archive.beginning(of: name) {
        records += try reader.feed(beginning.bytes)
      } else {
        throw TestFailure("\(name) is not there")
      }
    }
    return records
  }
}
