import NIOCore

/// Makes sense of what the server sends after BASE_BACKUP, in either of its two forms.
///
/// Since 15, one copy carries everything, and the first byte of each message says what it is: `n` begins an archive,
/// `m` the manifest, `d` is data of either, `p` is progress. Before, there is one copy for each archive, in the order
/// that was announced, and then one for the manifest. Source: PostgreSQL's documentation, "Streaming Replication
/// Protocol", BASE_BACKUP, of 14 and of 15.
package struct BaseBackupProtocol {
  private enum State {
    case start
    case archives
    /// The copy of 15 and later; what `d` messages belong to.
    case multiplexed(Section)
    /// Copies that are still to come, before 15.
    case separate(current: Section, next: ArraySlice<BackupArchive>)
    case ended
  }

  private enum Section: Equatable { case none, archive, manifest }

  private let isMultiplexed: Bool
  private var state = State.start
  private var archives: [BackupArchive] = []

  package init(_ version: PostgresVersion) { isMultiplexed = version.major >= 15 }

  /// The events that follow from `item`.
  package mutating func accept(_ item: CommandItem) throws -> [BaseBackupEvent] {
    switch (state, item) {
    case (_, .notice(let report)): return [.warning(report)]
    case (.start, .result(let result)):
      let point = try point(result)
      state = .archives
      return [.began(at: point.lsn, timeline: point.timeline)]
    case (.archives, .result(let result)):
      archives = try result.rows.map(Self.archive)
      let kibibytes = result.rows.reduce(Int64(0)) { $0 + ($1[2].flatMap { Int64($0) } ?? 0) }
      state = isMultiplexed ? .multiplexed(.none) : .separate(current: .none, next: archives[...])
      return [.announced(archives, estimatedBytes: kibibytes << 10)]
    case (.multiplexed, .copyBegan): return []
    case (.multiplexed(let section), .data(let message)): return try demultiplex(message, in: section)
    case (.multiplexed(let section), .result(let result)): return try end(section, result)
    case (.separate(let current, let next), .copyBegan): return beginCopy(after: current, next)
    case (.separate(.archive, _), .data(let bytes)): return [.archiveData(bytes)]
    case (.separate(.manifest, _), .data(let bytes)): return [.manifestData(bytes)]
    case (.separate(let current, let next), .result(let result)):
      guard next.isEmpty else { throw Self.violation("ended before all archives had come") }
      return try end(current, result)
    // The command's tag.
    case (.ended, .result): return []
    default: throw Self.violation("sent something that does not belong there")
    }
  }

  /// Whether the last result, which holds the end of the backup, has come.
  package var isComplete: Bool { if case .ended = state { true } else { false } }

  private mutating func beginCopy(after current: Section, _ next: ArraySlice<BackupArchive>) -> [BaseBackupEvent] {
    let ended: [BaseBackupEvent] = current == .archive ? [.archiveEnded] : []
    guard let archive = next.first else {
      state = .separate(current: .manifest, next: [])
      return ended
    }
    state = .separate(current: .archive, next: next.dropFirst())
    return ended + [.archiveBegan(archive)]
  }

  private mutating func demultiplex(_ message: ByteBuffer, in section: Section) throws -> [BaseBackupEvent] {
    var message = message
    let ended: [BaseBackupEvent] = section == .archive ? [.archiveEnded] : []
    switch message.readInteger(as: UInt8.self) {
    case UInt8(ascii: "d"):
      switch section {
      case .archive: return [.archiveData(message)]
      case .manifest: return [.manifestData(message)]
      case .none: throw Self.violation("sent data that belongs to no archive")
      }
    case UInt8(ascii: "n"):
      guard let name = message.readNullTerminatedString(), let location = message.readNullTerminatedString() else {
        throw Self.violation("named an archive in an unknown form")
      }
      state = .multiplexed(.archive)
      return ended + [.archiveBegan(try Self.archive(named: name, location))]
    case UInt8(ascii: "m"):
      state = .multiplexed(.manifest)
      return ended
    case UInt8(ascii: "p"): return []
    default: throw Self.violation("sent a message of an unknown kind")
    }
  }

  private mutating func end(_ section: Section, _ result: SQLResult) throws -> [BaseBackupEvent] {
    let point = try point(result)
    state = .ended
    return (section == .archive ? [.archiveEnded] : []) + [.ended(at: point.lsn, timeline: point.timeline)]
  }

  private func point(_ result: SQLResult) throws -> (lsn: LSN, timeline: TimelineID) {
    guard let row = result.rows.first, let lsn = row[0].flatMap({ LSN($0) }),
      let timeline = row[1].flatMap({ UInt32($0) })
    else { throw Self.violation("did not say at which LSN the backup begins or ends") }
    return (lsn, TimelineID(timeline))
  }

  private static func archive(_ row: SQLRow) throws -> BackupArchive {
    guard let text = row[0] else { return .base }
    guard let oid = UInt32(text) else { throw violation("announced a tablespace with the OID '\(text)'") }
    return .tablespace(oid: oid, location: row[1] ?? "")
  }

  private static func archive(named name: String, _ location: String) throws -> BackupArchive {
    if name == "base.tar" { return .base }
    guard name.hasSuffix(".tar"), let oid = UInt32(name.dropLast(4)) else {
      throw violation("sent an archive called '\(name)'")
    }
    return .tablespace(oid: oid, location: location)
  }

  static func violation(_ what: String) -> PostgresError {
    PostgresError(
      .protocolViolation, "during BASE_BACKUP the server \(what)",
      hint: "Check that the address is a PostgreSQL server's own; if it is, this is a defect of Tidemark")
  }
}
