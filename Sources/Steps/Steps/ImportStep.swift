import KubeModel
import Logging
import ObjectStore
import PostgresEngine
import Repository
import TidemarkAPI

/// `import`: loads a dump into a new database, and gives it the name that it is to have at the end.
///
/// A run that follows a crash starts over with an empty database, or finds that all was done: see ``ImportDatabases``.
/// A dump that fails is dropped again.
struct ImportStep {
  let input: ImportInput
  let folder: StepFolder
  let logger: Logger

  func run() async throws -> StepProduct {
    try await StatusReport<RestoreRequest>.with(
      input.request, input.cluster, every: .seconds(1), logger: logger
    ) { report in
      let server: PostgresVersion
      switch try await prepare() {
      case .finished(let loaded): return .loadedDump(loaded)
      case .allowed(let version): server = version
      }
      let programs = try await ClientPrograms.find(in: input.programDirectory, server: server)
      return try await input.store.withStore(in: folder, at: "") { store in
        try await DumpSource.with(
          input.source, in: store, password: try input.store.password(in: folder), logger: logger,
          progress: { Self.tell($0, $1, report) }
        ) { source in
          try await load(source, by: programs)
        }
      }
    }
  }

  private enum Preparation: Sendable {
    /// An earlier run did all of it.
    case finished(LoadedDump)
    /// The role may load at a server of this version.
    case allowed(PostgresVersion)
  }

  private func prepare() async throws -> Preparation {
    try await withDatabases { databases in
      if let loaded = try await databases.finished() { return .finished(loaded) }
      try await databases.requireRights()
      return .allowed(databases.connection.serverVersion)
    }
  }

  private func load(
    _ source: DumpSource, by programs: ClientPrograms
  ) async throws -> StepProduct {
    var settings = try input.server.settings(in: folder)
    settings.database = input.names.temporary
    let access = try ClientAccess(settings, in: folder.path(of: StepRequest.secretsFolder))
    defer { access.remove() }
    try await withDatabases { try await $0.createTemporary() }
    do {
      let load = DumpLoad(programs: programs, access: access, database: input.names.temporary, logger: logger)
      try await load.run(source, format: input.source.format)
      // A database without statistics is slow from its first query on.
      try await SQLConnection.with(settings) { connection in
        try await connection.execute("SET statement_timeout = 0; SET lock_timeout = 0")
        try await connection.query("ANALYZE")
      }
      return .loadedDump(try await withDatabases { try await $0.takeName() })
    } catch {
      await drop()
      throw error
    }
  }

  /// Leaves nothing of a dump that failed. What can't be dropped now is dropped by the next run, or by the controller.
  private func drop() async {
    guard !Task.isCancelled else { return }
    do {
      try await withDatabases { try await $0.dropTemporary() }
    } catch {
      logger.warning(
        "temporary database not dropped", metadata: ["database": "\(input.names.temporary)", "error": "\(error)"])
    }
  }

  /// A connection for each part: a load takes hours, and an idle connection may not last that long.
  private func withDatabases<Value: Sendable>(
    _ body: (ImportDatabases) async throws -> Value
  ) async throws -> Value {
    try await ImportDatabases.with(
      input.names, for: input.request, at: try input.server.settings(in: folder), body)
  }

  private static func tell(_ done: Int64, _ total: Int64, _ report: StatusReport<RestoreRequest>) {
    var status = RestoreRequestStatus()
    status.progress = StepProgress(bytesDone: done, bytesTotal: total, filesDone: 0, updatedAt: .now)
    report.tell(status)
  }
}
