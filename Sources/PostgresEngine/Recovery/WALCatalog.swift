import NIOCore
public import ObjectStore
public import Repository

/// The archives of all incarnations of a database, read along a lineage.
public struct WALCatalog: Sendable {
  /// The incarnations.
  public let tree: IncarnationTree
  let store: any ObjectStore
  let key: RepositoryKey

  /// What lies below the database's prefix, to which `store` is scoped.
  public init(store: any ObjectStore, key: RepositoryKey, tree: IncarnationTree) {
    (self.store, self.key, self.tree) = (store, key, tree)
  }

  /// Reads the incarnations' documents.
  public static func open(store: any ObjectStore, key: RepositoryKey) async throws -> WALCatalog {
    WALCatalog(store: store, key: key, tree: try await IncarnationTree.load(from: store))
  }

  /// One incarnation's archive.
  public func archive(_ id: IncarnationID, _ size: WALSegmentSize) -> WALArchive {
    WALArchive(store: store, key: key, incarnation: id, segmentSize: size)
  }

  /// Lists the archives of an incarnation and its ancestors; `previous` makes it cheap.
  public func inventories(
    of id: IncarnationID, since previous: [IncarnationID: WALInventory] = [:]
  ) async throws -> [IncarnationID: WALInventory] {
    var inventories: [IncarnationID: WALInventory] = [:]
    for incarnation in try ancestry(of: id) {
      inventories[incarnation.id] = try await archive(incarnation.id, incarnation.segmentSize)
        .inventory(since: previous[incarnation.id] ?? WALInventory())
    }
    return inventories
  }

  /// The way of the log to the newest timeline of which `id` has WAL or a base backup.
  public func lineage(
    of id: IncarnationID, _ inventories: [IncarnationID: WALInventory], bases: [RecoveryBase]
  ) async throws -> Lineage {
    let incarnation = try ancestry(of: id)[0]
    let newest =
      [
        inventories[id]?.newestTimeline, bases.filter { $0.incarnation == id }.map(\.timeline).max(),
        incarnation.timeline,
      ].compactMap { $0 }.max() ?? incarnation.timeline
    guard let history = try await archive(id, incarnation.segmentSize).history(newest) else {
      throw WALError(
        .archiveIncomplete,
        "the history file of timeline \(newest) of incarnation \(id) is not in the archive, so its way back is not "
          + "known; start archiving of that server again, which stores it")
    }
    return try Lineage(to: history, of: incarnation, in: tree)
  }

  func ancestry(of id: IncarnationID) throws -> [Incarnation] {
    let line = tree.ancestry(of: id)
    guard !line.isEmpty else {
      let known = tree.incarnations.keys.sorted().map(\.text).joined(separator: ", ")
      throw WALError(.incarnationUnknown, "there is no incarnation '\(id)'; known: \(known.isEmpty ? "none" : known)")
    }
    return line
  }

  /// What was committed in a segment of a lineage, whole or not; nil when nothing of it is stored.
  func commits(_ number: UInt64, in lineage: Lineage) async throws -> CommitSummary? {
    guard let piece = lineage.piece(ofSegment: number), let name = lineage.segment(number) else { return nil }
    let archive = archive(piece.incarnation, lineage.segmentSize)
    if let commits = try await archive.commits(name) { return commits }
    if let commits = try await archive.commitsOfBeginning(of: name) { return commits }
    // The old timeline's part, where the new timeline has stored nothing of the segment in which it begins.
    guard let before = lineage.pieces.last(where: { $0.timeline < piece.timeline }),
      let commits = try await self.archive(before.incarnation, lineage.segmentSize)
        .commitsOfBeginning(of: WALSegmentName(timeline: before.timeline, number: number, size: lineage.segmentSize)),
      let end = commits.endOfLastRecord, end <= piece.from
    else { return nil }
    // Where it goes on behind the fork, its summary is of another life too.
    return commits
  }

  /// The stored bytes of a segment of a lineage, whole or its beginning; nil when nothing of it is stored.
  func bytes(_ number: UInt64, in lineage: Lineage) async throws -> ByteBuffer? {
    guard let piece = lineage.piece(ofSegment: number), let name = lineage.segment(number) else { return nil }
    let archive = archive(piece.incarnation, lineage.segmentSize)
    if let bytes = try await archive.segment(name) { return bytes }
    if let bytes = try await archive.beginning(of: name)?.bytes { return bytes }
    // The old timeline's file, up to where it was left.
    return try await files(number, in: lineage).last?.bytes
  }

  /// All files of a segment that PostgreSQL may read along a lineage: where a timeline begins in it, the old one's too.
  func files(_ number: UInt64, in lineage: Lineage) async throws -> [WALEdit.File] {
    var files: [WALEdit.File] = []
    for piece in lineage.pieces where lineage.number(of: piece.from) <= number {
      guard piece.to.map({ number <= lineage.number(of: $0) }) ?? true else { continue }
      let name = WALSegmentName(timeline: piece.timeline, number: number, size: lineage.segmentSize)
      let archive = archive(piece.incarnation, lineage.segmentSize)
      var stored = try await archive.segment(name)
      if stored == nil { stored = try await archive.beginning(of: name)?.bytes }
      guard var bytes = stored else { continue }
      if let to = piece.to, to < name.end {
        bytes = bytes.getSlice(at: bytes.readerIndex, length: min(bytes.readableBytes, Int(to - name.start))) ?? bytes
      }
      files.append((name, bytes))
    }
    return files
  }

  /// The records that end in a segment. The segment before is read too, for a record that begins there.
  func records(_ number: UInt64, in lineage: Lineage) async throws -> [WALRecord] {
    guard let bytes = try await bytes(number, in: lineage) else { return [] }
    let start = LSN(number * lineage.segmentSize.bytes)
    if number > 0, let before = try await self.bytes(number - 1, in: lineage),
      UInt64(before.readableBytes) == lineage.segmentSize.bytes
    {
      var reader = WALRecordReader(
        start: LSN(start.bytes - lineage.segmentSize.bytes), segmentSize: lineage.segmentSize)
      _ = try reader.feed(before)
      return try reader.feed(bytes)
    }
    var reader = WALRecordReader(start: start, segmentSize: lineage.segmentSize)
    return try reader.feed(bytes)
  }

  /// The runs of a lineage with their last commits.
  func runs(_ lineage: Lineage, _ inventories: [IncarnationID: WALInventory]) async throws -> [RecoveryWindow.Run] {
    var runs: [RecoveryWindow.Run] = []
    for coverage in lineage.coverage(inventories) {
      var (latest, last): (CommitSummary.Point?, CommitSummary.Point?)
      // The last segment knows what was committed before it in its own incarnation's archive; where a young
      // incarnation has no commit yet, its parent's last one counts.
      var number: UInt64? = coverage.last
      while let current = number, current >= coverage.first, latest == nil {
        let commits = try await commits(current, in: lineage)
        (latest, last) = (commits?.latestSoFar, commits?.lastSoFar)
        let owner = lineage.piece(ofSegment: current)?.incarnation
        number = lineage.pieces.first { $0.incarnation == owner }
          .map { lineage.number(of: $0.from) }.flatMap { $0 > 0 ? min($0, current) - 1 : nil }
      }
      runs.append(RecoveryWindow.Run(coverage: coverage, latest: latest, last: last))
    }
    return runs
  }
}

extension RecoveryWindow {
  /// The window of the incarnation `id`: lists what is stored, and reads the last commits of each stretch.
  ///
  /// `bases` are all base backups of the database. `inventories` of an earlier call make this a few requests.
  public static func read(
    _ id: IncarnationID, from catalog: WALCatalog, bases: [RecoveryBase],
    since previous: [IncarnationID: WALInventory] = [:]
  ) async throws -> (window: RecoveryWindow, inventories: [IncarnationID: WALInventory]) {
    let inventories = try await catalog.inventories(of: id, since: previous)
    let lineage = try await catalog.lineage(of: id, inventories, bases: bases)
    let runs = try await catalog.runs(lineage, inventories)
    let window = RecoveryWindow(
      runs: runs, bases: bases.filter { lineage.holds($0) },
      recordedGaps: lineage.gaps(inventories), segmentSize: lineage.segmentSize)
    return (window, inventories)
  }
}

extension Lineage {
  /// Whether the base backup was taken on this way of the log, and ended before the way left its timeline.
  func holds(_ base: RecoveryBase) -> Bool {
    guard let piece = piece(of: base.timeline), piece.incarnation == base.incarnation else { return false }
    return piece.from <= base.startLSN && piece.to.map { base.stopLSN <= $0 } ?? true
  }
}

extension Sequence where Element: Hashable {
  /// Each element once, where it came first.
  func uniqued() -> [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}
