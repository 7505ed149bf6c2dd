import Logging
import NIOCore
import ObjectStore
import Repository

/// One base backup on a connection that is open.
struct BaseBackupRun {
  let connection: ReplicationConnection
  let writer: SnapshotWriter
  let options: BaseBackupOptions
  let endpoint: String
  let logger: Logger

  func run(_ reporter: ProgressReporter) async throws -> BaseBackupRecord {
    let began = UnixTime.now
    let system = try await identify()
    let segmentSize = try await connection.walSegmentSize()
    let verifiesPages = try await connection.show("data_checksums") == "on"
    try await keepWAL()
    let startTime = try await connection.serverTime()
    var receiver = BackupReceiver(
      writer: writer, version: connection.serverVersion, verifiesPages: verifiesPages, segmentSize: segmentSize,
      pieceBytes: options.pieceBytes, logger: logger, reporter: reporter)
    try await receive(&receiver)
    try await receiver.finish()
    guard let start = receiver.start, let stop = receiver.stop else {
      throw BaseBackupProtocol.violation("ended before the backup had")
    }
    guard start.timeline == system.timeline else { throw BaseBackup.timelineChanged(system.timeline, start.timeline) }
    let draft = BaseBackupDraft(
      incarnation: options.incarnation, timeline: start.timeline, startLSN: start.lsn, stopLSN: stop.lsn,
      startTime: startTime, stopTime: try await connection.serverTime(), systemIdentifier: system.systemIdentifier,
      serverVersion: connection.serverVersion, walSegmentSize: segmentSize, logicalBytes: receiver.received.bytes,
      backup: options.backup)
    return try await commit(draft, began: began)
  }

  private func identify() async throws -> SystemIdentification {
    let system = try await connection.identifySystem()
    if let expected = options.systemIdentifier, expected != system.systemIdentifier {
      throw PostgresError(
        .systemMismatch,
        "the server at \(endpoint) has the system identifier \(system.systemIdentifier), the archive is of the system "
          + "\(expected)",
        hint: "Correct connection.host, or, if the server was replaced on purpose, make a new Database for it")
    }
    return system
  }

  /// A slot that ends with the connection keeps the WAL that the backup needs, however long it takes.
  private func keepWAL() async throws {
    do {
      let name = "tidemark_base_" + String(UInt32.random(in: .min ... .max), radix: 16)
      try await connection.createPhysicalSlot(name, lifetime: .temporary)
    } catch let error as PostgresError where error.code == .slotsExhausted {
      logger.warning(
        "no replication slot is free to keep WAL during the base backup; it fails if the server removes WAL meanwhile",
        metadata: ["error": "\(error)"])
    }
  }

  private func receive(_ receiver: inout BackupReceiver) async throws {
    let channel = connection.baseBackup(options, readAhead: BaseBackup.readAhead)
    var protocolState = BaseBackupProtocol(connection.serverVersion)
    do {
      while true {
        let items = try await channel.next()
        if items.isEmpty { break }
        for item in items {
          for event in try protocolState.accept(item) { try await receiver.accept(event) }
        }
      }
    } catch {
      channel.ask(.abandon)
      throw Self.told(error)
    }
    guard protocolState.isComplete else { throw BaseBackupProtocol.violation("ended before the backup had") }
  }

  /// Errors in the words of this module.
  private static func told(_ error: any Error) -> any Error {
    switch error {
    case let error as TarError: BaseBackupProtocol.violation("sent an archive that cannot be read: \(error)")
    case let error as PostgresError where error.message.contains("standby was promoted"):
      PostgresError(
        .timelineChanged, error.message, sqlState: error.sqlState,
        hint: "The standby became a primary during the backup: take the backup again")
    default: error
    }
  }

  private func commit(_ draft: BaseBackupDraft, began: UnixTime) async throws -> BaseBackupRecord {
    let snapshot = try await writer.commit(
      SnapshotDescription(
        time: began, hostname: options.hostname ?? endpoint, paths: ["/postgresql"], tags: options.tags),
      tags: draft.tags)
    guard let record = BaseBackupRecord(snapshot: snapshot) else {
      preconditionFailure("the tags of a base backup are read as they were written")
    }
    return record
  }
}
