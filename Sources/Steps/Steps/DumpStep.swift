import KubeModel
import Logging
import NIOCore
import ObjectStore
import PostgresEngine
import Repository
import TidemarkAPI

/// `dump`: a logical backup: one database by `pg_dump`, as the only file of a snapshot.
///
/// The custom format, not compressed: equal rows are equal bytes, so that the next dump stores what changed, and the
/// repository compresses by itself. A run that follows a crash starts over: without its snapshot, which is written when
/// `pg_dump` has ended well, a half-made dump is not one. Where the crash came behind the snapshot, it is found by the
/// Backup's uid, and is the product: one Backup has one snapshot.
struct DumpStep {
  let input: DumpInput
  let folder: StepFolder
  let logger: Logger

  func run() async throws -> StepProduct {
    try await StatusReport<Backup>.with(input.backup, input.cluster, every: .seconds(1), logger: logger) { report in
      let settings = try input.server.settings(in: folder)
      let server = try await SQLConnection.with(settings) { try await ServerFacts.read($0) }
      let programs = try await ClientPrograms.find(in: input.programDirectory, server: server.version)
      return try await input.store.withStore(in: folder, at: input.database.prefix) { store in
        let archive = try await DatabaseArchive.openOrCreate(
          store, password: try input.store.password(in: folder), logger: logger)
        return try await archive.withSharedLock(report) {
          let present = try await archive.repository.snapshots().lazy.compactMap { DumpRecord(snapshot: $0) }
            .first { $0.backup == input.backup.uid }
          if let present { return .dump(DumpProduct(present)) }
          return try await dump(server, settings, programs, into: archive.repository, report)
        }
      }
    }
  }

  private struct ServerFacts {
    var version: PostgresVersion
    var databaseBytes: Int64?

    static func read(_ connection: SQLConnection) async throws -> ServerFacts {
      let size = try await connection.query("SELECT pg_database_size(current_database())").scalar
      return ServerFacts(version: connection.serverVersion, databaseBytes: size.flatMap { Int64($0) })
    }
  }

  private func dump(
    _ server: ServerFacts, _ settings: PostgresConnectionSettings, _ programs: ClientPrograms,
    into repository: Repository, _ report: StatusReport<Backup>
  ) async throws -> StepProduct {
    let access = try ClientAccess(settings, in: folder.path(of: StepRequest.secretsFolder))
    defer { access.remove() }
    let start = UnixTime.now
    let writer = try await SnapshotWriter(repository: repository)
    do {
      let size = try await write(programs, access, settings.database, start, to: writer, server, report)
      let snapshot = try await writer.commit(
        SnapshotDescription(time: start, hostname: "\(settings.host):\(settings.port)", paths: ["/\(fileName)"])
      ) { statistics in
        DumpRecord(
          serverVersion: server.version, logicalBytes: size, addedBytes: Int64(statistics.bytesAdded),
          storedBytes: Int64(statistics.bytesPacked), backup: input.backup.uid
        ).tags
      }
      guard let record = DumpRecord(snapshot: snapshot) else {
        preconditionFailure("a snapshot has the tags that it was saved with")
      }
      return .dump(DumpProduct(record))
    } catch {
      await writer.cancel()
      throw error
    }
  }

  private func write(
    _ programs: ClientPrograms, _ access: ClientAccess, _ database: String, _ start: UnixTime,
    to writer: SnapshotWriter, _ server: ServerFacts, _ report: StatusReport<Backup>
  ) async throws -> Int64 {
    let process = ClientProcess(
      program: programs.pgDump, arguments: ["--format=custom", "--compress=0", "--no-password"],
      environment: access.environment(database: database))
    let file = try writer.file(ByteString(fileName), NodeAttributes(mode: 0o600, modified: start))
    var done: Int64 = 0
    let ending = try await process.run { piece in
      try Task.checkCancellation()
      try await file.write(piece)
      done += Int64(piece.readableBytes)
      var status = BackupStatus()
      status.progress = StepProgress(
        bytesDone: done, bytesTotal: server.databaseBytes.map { max($0, done) }, filesDone: 0, updatedAt: .now)
      report.tell(status)
    }
    switch ending.code {
    case 0: return try await file.finish()
    case nil: throw LoadFailure.killed("pg_dump")
    default: throw LoadFailure.pgDump(ending.complaints)
    }
  }

  /// A name in a snapshot has no slash.
  private var fileName: String { input.server.database.replacing("/", with: "_") + ".dump" }
}

extension DumpProduct {
  init(_ record: DumpRecord) {
    self.init(
      snapshot: record.snapshot?.description ?? "",
      size: BackupSize(logical: record.logicalBytes, added: record.addedBytes, stored: record.storedBytes))
  }
}
