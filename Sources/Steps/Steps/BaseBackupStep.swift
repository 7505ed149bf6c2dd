import KubeModel
import Logging
import PostgresEngine
import Repository
import TidemarkAPI

/// `base-backup`: a physical backup of a server into the database's repository.
///
/// A run that follows a crash starts over: packs that were indexed are found and not stored again, and without its
/// snapshot a half-made backup is not one. Where the crash came behind the snapshot, it is found by the Backup's uid, and
/// is the product: one Backup has one snapshot.
struct BaseBackupStep {
  let input: BaseBackupInput
  let folder: StepFolder
  let logger: Logger

  func run() async throws -> StepProduct {
    try await StatusReport<Backup>.with(input.backup, input.cluster, every: .seconds(1), logger: logger) { report in
      try await input.store.withStore(in: folder, at: input.database.prefix) { store in
        let archive = try await DatabaseArchive.openOrCreate(
          store, password: try input.store.password(in: folder), logger: logger)
        return try await archive.withSharedLock(report) {
          if let present = try await archive.records().first(where: { $0.backup == input.backup.uid }) {
            logger.info("the snapshot of this Backup is there", metadata: ["snapshot": "\(present.snapshot)"])
            return .baseBackup(BaseBackupProduct(present))
          }
          return try await backUp(into: archive.repository, report)
        }
      }
    }
  }

  private func backUp(into repository: Repository, _ report: StatusReport<Backup>) async throws -> StepProduct {
    let settings = try input.server.settings(in: folder)
    let outcome = try await BaseBackup.run(
      from: settings, into: repository, try await options(settings), logger: logger
    ) { progress in
      var status = BackupStatus()
      status.progress = StepProgress(
        bytesDone: progress.bytesDone, bytesTotal: progress.bytesTotal, filesDone: Int64(progress.filesDone),
        updatedAt: .now)
      report.tell(status)
    }
    return .baseBackup(BaseBackupProduct(outcome.record))
  }

  private func options(_ settings: PostgresConnectionSettings) async throws -> BaseBackupOptions {
    let identifier = try await systemIdentifier(settings)
    let incarnation = try input.incarnation.map(Self.incarnation) ?? .root(systemIdentifier: identifier)
    return BaseBackupOptions(
      incarnation: incarnation, systemIdentifier: identifier, backup: input.backup.uid,
      label: "tidemark \(input.backup.name)")
  }

  private func systemIdentifier(_ settings: PostgresConnectionSettings) async throws -> UInt64 {
    if let known = input.systemIdentifier.flatMap({ UInt64($0) }) { return known }
    let connection = try await ReplicationConnection.connect(settings)
    do {
      let system = try await connection.identifySystem()
      await connection.close()
      return system.systemIdentifier
    } catch {
      await connection.close()
      throw error
    }
  }

  static func incarnation(_ text: String) throws -> IncarnationID {
    guard let id = IncarnationID(text) else {
      throw StepError(
        code: .invalidInput,
        message: "'\(text)' is not an incarnation; expected 1 to 63 lower-case letters, digits and hyphens")
    }
    return id
  }
}

extension BaseBackupProduct {
  init(_ record: BaseBackupRecord) {
    self.init(
      snapshot: record.snapshot.description,
      size: BackupSize(
        logical: record.logicalBytes, added: record.addedBytes ?? 0, stored: record.storedBytes ?? 0),
      postgres: PostgresBackupStatus(record))
  }
}

extension PostgresBackupStatus {
  init(_ record: BaseBackupRecord) {
    self.init(
      incarnation: record.incarnation.text, timeline: record.timeline.number,
      startLSN: record.startLSN.description, stopLSN: record.stopLSN.description,
      startTime: MicroTime(record.startTime), stopTime: MicroTime(record.stopTime),
      systemIdentifier: String(record.systemIdentifier), serverVersion: record.serverVersion.description)
  }
}
