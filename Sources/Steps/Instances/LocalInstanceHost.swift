import CPosix
import Foundation
import KubeModel
public import Logging
import PostgresEngine
import TidemarkAPI

/// Holds instances in data directories of this machine, each with a server of its own on a port of 127.0.0.1.
///
/// An instance's folder holds `data` (the data directory), `recovery` (until recovery has ended), `run` (the Unix
/// socket, for Tidemark alone), `log` and `instance.json`. The server runs as `user` and outlives the controller.
public struct LocalInstanceHost: InstanceHost {
  private let root: String
  private let programs: String
  private let selfProgram: String
  private let tools: PostgresTools
  private let logger: Logger

  /// Holds instances below `stateDirectory`; `program` is this binary, of which a copy serves `restore_command`.
  public init(stateDirectory: String, program: String, tools: PostgresTools, logger: Logger) {
    root = "\(stateDirectory)/instances"
    programs = "\(stateDirectory)/bin"
    selfProgram = program
    self.tools = tools
    self.logger = logger
  }

  public func reserve(_ id: InstanceID, of database: String) async throws -> InstancePlace {
    let folder = folder(of: id)
    try StateDirectory.prepare(root, mode: 0o711)
    try folder.create()
    if try folder.readRecord() == nil {
      try folder.write(InstanceRecord(port: try FreePort.find(), wanted: .stopped, database: database))
    }
    return InstancePlace(
      dataDirectory: folder.data, recoveryDirectory: folder.recovery, restoreProgram: try installProgram())
  }

  public func instances(of database: String, in namespace: String) async throws -> [InstanceID] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(root)/\(namespace)")) ?? []
    return try names.sorted().map { InstanceID(namespace: namespace, name: $0) }
      .filter { try folder(of: $0).readRecord()?.database == database }
  }

  public func start(_ id: InstanceID, serverMajor: Int) async throws {
    let folder = folder(of: id)
    guard var record = try folder.readRecord() else {
      throw StepError(code: .instanceFailed, message: "instance \(id) has no place; it must be reserved first")
    }
    guard folder.livePostmaster() == nil else { return }
    let server = try tools.find(major: serverMajor)
    try await tools.giveToServerUser(folder.path)
    try await tools.requireAccess(to: folder.data)
    try folder.writeClientAuthentication(owner: tools.user)
    record.serverMajor = serverMajor
    record.wanted = .running
    try folder.write(record)
    let options = folder.serverOptions(port: record.port)
    try await tools.run(
      server.pgCtl, ["start", "-W", "-s", "-D", folder.data, "-l", folder.log, "-o", options], in: folder.path)
    logger.info("instance started", metadata: ["instance": "\(id)", "port": "\(record.port)"])
  }

  public func state(of id: InstanceID, as role: InstanceRole) async throws -> InstanceState {
    let folder = folder(of: id)
    guard let record = try folder.readRecord() else { return .absent }
    guard folder.livePostmaster() != nil else {
      return record.wanted == .running ? .failed(message: folder.lastWords()) : .stopped
    }
    do {
      return try await withLocalConnection(folder.localSettings(record, role)) { connection in
        try await observe(connection, endpoint: Endpoint(host: "127.0.0.1", port: record.port))
      }
    } catch let error as PostgresError where error.isTransient {
      return .starting
    } catch let error as PostgresError {
      throw FailedServerProbe(reason: error.code.rawValue, message: error.description)
    }
  }

  /// A database that takes no connections, or that is not there, says nothing of the server.
  private func withLocalConnection<Value: Sendable>(
    _ settings: PostgresConnectionSettings, _ body: (SQLConnection) async throws -> Value
  ) async throws -> Value {
    do {
      return try await SQLConnection.with(settings, body)
    } catch let error as PostgresError where ["55000", "3D000"].contains(error.sqlState) {
      var fallback = settings
      fallback.database = "template1"
      return try await SQLConnection.with(fallback, body)
    }
  }

  private func observe(_ connection: SQLConnection, endpoint: Endpoint) async throws -> InstanceState {
    let row = try await connection.query(
      """
      SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn(),
        to_char(pg_last_xact_replay_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        CASE WHEN pg_is_in_recovery() THEN NULL ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint END
      """
    ).rows.first
    guard row?[0] == "f" else { return .recovering(replayed: row?[1] ?? nil) }
    let reached = RecoveredTo(
      time: (row?[2]).flatMap { MicroTime($0) }, lsn: row?[1] ?? nil, timeline: (row?[3]).flatMap { UInt32($0) })
    return .running(RunningInstance(endpoint: endpoint, recoveredTo: reached))
  }

  public func finishRecovery(_ id: InstanceID, role: InstanceRole) async throws {
    let folder = folder(of: id)
    guard let record = try folder.readRecord() else { return }
    let automatic = "\(folder.data)/postgresql.auto.conf"
    var settings = ConfigurationFile(parsing: try String(contentsOfFile: automatic, encoding: .utf8))
    for name in RecoverySettings.names { settings.remove(name) }
    try PrivateFile.write(Array(settings.text.utf8), to: automatic)
    try await tools.giveToServerUser(automatic)
    if folder.livePostmaster() != nil, let major = record.serverMajor {
      try await tools.run(try tools.find(major: major).pgCtl, ["reload", "-s", "-D", folder.data], in: folder.path)
    }
    try? FileManager.default.removeItem(atPath: folder.recovery)
    let local = folder.localSettings(record, role)
    try await Fence(settings: try await superuser(local)).open()
    try await makePasswordWork(role, local: local)
  }

  public func fence(of id: InstanceID, as role: InstanceRole) async throws -> Fence {
    let folder = folder(of: id)
    guard let record = try folder.readRecord() else {
      throw StepError(code: .instanceFailed, message: "instance \(id) is gone")
    }
    do {
      return Fence(settings: try await superuser(folder.localSettings(record, role)))
    } catch let error as PostgresError {
      throw FailedServerProbe(reason: error.code.rawValue, message: error.description)
    }
  }

  /// Settings as a superuser, whom the private socket lets in without a password.
  private func superuser(_ local: PostgresConnectionSettings) async throws -> PostgresConnectionSettings {
    var superuser = local
    superuser.user = try await withLocalConnection(local) { connection in
      try await connection.query(
        "SELECT rolname FROM pg_roles WHERE rolsuper AND rolcanlogin ORDER BY oid LIMIT 1"
      ).scalar ?? local.user
    }
    return superuser
  }

  /// The password that the role had at the recovered moment may be an older one than the Secret's.
  private func makePasswordWork(
    _ role: InstanceRole, local: PostgresConnectionSettings
  ) async throws {
    var remote = local
    remote.host = "127.0.0.1"
    do {
      try await SQLConnection.with(remote) { _ in }
    } catch let error as PostgresError where error.code == .authenticationFailed {
      let superuser = try await superuser(local)
      let quoted = role.username.replacing("\"", with: "\"\"")
      let password = role.password.replacing("'", with: "''").replacing("\\", with: "\\\\")
      try await SQLConnection.with(superuser) { connection in
        try await connection.execute("SET log_statement = 'none'; SET log_min_error_statement = 'panic'")
        try await connection.query("ALTER ROLE \"\(quoted)\" PASSWORD E'\(password)'")
      }
    }
  }

  public func exchange(
    _ live: InstanceID, _ aside: InstanceID, incoming: String, outgoing: String
  ) async throws {
    try DataExchange(live: folder(of: live), aside: folder(of: aside), incoming: incoming, outgoing: outgoing).run()
    logger.info("data exchanged", metadata: ["instance": "\(live)", "incarnation": "\(incoming)"])
  }

  public func stop(_ id: InstanceID) async throws {
    let folder = folder(of: id)
    guard var record = try folder.readRecord() else { return }
    record.wanted = .stopped
    try folder.write(record)
    guard folder.livePostmaster() != nil, let major = record.serverMajor else { return }
    let server = try tools.find(major: major)
    try await tools.run(server.pgCtl, ["stop", "-s", "-m", "fast", "-t", "120", "-D", folder.data], in: folder.path)
    logger.info("instance stopped", metadata: ["instance": "\(id)"])
  }

  public func remove(_ id: InstanceID) async throws {
    try await stop(id)
    let folder = folder(of: id)
    guard FileManager.default.fileExists(atPath: folder.path) else { return }
    try FileManager.default.removeItem(atPath: folder.path)
  }

  private func folder(of id: InstanceID) -> InstanceFolder {
    InstanceFolder(path: "\(root)/\(id.namespace)/\(id.name)", stateRoot: root)
  }

  /// A copy of this binary where the server's user can run it; the original may lie in a private folder.
  private func installProgram() throws -> String {
    let files = FileManager.default
    try files.createDirectory(
      atPath: programs, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    let copy = "\(programs)/tidemark"
    let attributes: Set<URLResourceKey> = [.fileSizeKey, .contentModificationDateKey]
    let mine = try URL(filePath: selfProgram).resolvingSymlinksInPath().resourceValues(forKeys: attributes)
    let theirs = try? URL(filePath: copy).resourceValues(forKeys: attributes)
    if let theirs, theirs.fileSize == mine.fileSize,
      let ours = mine.contentModificationDate, let copied = theirs.contentModificationDate, copied >= ours
    {
      return copy
    }
    let fresh = "\(copy).\(getpid())"
    try? files.removeItem(atPath: fresh)
    try files.copyItem(atPath: selfProgram, toPath: fresh)
    try files.setAttributes([.posixPermissions: 0o755, .modificationDate: Date()], ofItemAtPath: fresh)
    guard rename(fresh, copy) == 0 else { throw StepError.system("rename", copy) }
    return copy
  }
}
