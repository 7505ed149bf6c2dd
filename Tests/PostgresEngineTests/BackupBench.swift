import Foundation
import Logging
import ObjectStore
import PostgresEngine
import Repository
import Synchronization
import TestSupport

/// A server, and a repository in a directory to back it up to.
struct BackupBench: Sendable {
  static let password = "correct horse"

  let server: TestPostgres
  let store: String
  let repository: Repository
  let incarnation: IncarnationID

  static func with(
    _ change: (inout TestPostgres.Options) -> Void = { _ in }, _ body: (BackupBench) async throws -> Void
  ) async throws {
    let server = try await TestPostgres.start(change)
    let store = try ScratchDirectory("repository").path
    let repository = try await Repository.create(
      in: DirectoryStore(root: store), password: RepositoryPassword(password))
    try await body(
      BackupBench(
        server: server, store: store, repository: repository, incarnation: .root(systemIdentifier: 1)))
    try await server.remove()
  }

  func settings(for server: TestPostgres) -> PostgresConnectionSettings {
    PostgresConnectionSettings(
      host: server.host, port: server.port, user: server.replicationUser,
      password: PostgresPassword(server.replicationPassword))
  }

  @discardableResult
  func backup(
    of other: TestPostgres? = nil, _ change: (inout BaseBackupOptions) -> Void = { _ in },
    progress: @escaping @Sendable (BaseBackupProgress) -> Void = { _ in }
  ) async throws -> BaseBackupRecord {
    var options = BaseBackupOptions(incarnation: incarnation)
    change(&options)
    return try await BaseBackup.run(
      from: settings(for: other ?? server), into: repository, options, logger: Logger(label: "test"),
      progress: progress
    ).record
  }

  /// A backup of the server, whose bytes come through `proxy`.
  @discardableResult
  func backup(through proxy: FaultProxy) async throws -> BaseBackupRecord {
    var settings = settings(for: server)
    (settings.host, settings.port) = (proxy.host, proxy.port)
    return try await BaseBackup.run(
      from: settings, into: repository, BaseBackupOptions(incarnation: incarnation), logger: Logger(label: "test")
    ).record
  }

  @discardableResult
  func restic(_ arguments: String...) async throws -> String {
    try await restic(arguments)
  }

  private func restic(_ arguments: [String]) async throws -> String {
    try await RunningProgram.run(
      "/usr/bin/restic", ["--no-cache", "-r", store] + arguments,
      environment: ["RESTIC_PASSWORD": Self.password, "HOME": "/tmp"]
    ).output
  }

  /// Restores by the stock program, into a new directory of mode 0700.
  func resticRestore(_ record: BaseBackupRecord) async throws -> String {
    let target = try ScratchDirectory("restored").path + "/data"
    try FileManager.default.createDirectory(
      atPath: target, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    _ = try await restic(["restore", "\(record.snapshot)", "--target", target])
    return target
  }

  /// Bytes of all packs.
  func storedBytes() throws -> Int {
    let folder = FileManager.default.enumerator(atPath: "\(store)/data")
    var sum = 0
    while folder?.nextObject() != nil {
      if folder?.fileAttributes?[.type] as? FileAttributeType == .typeRegular {
        sum += (folder?.fileAttributes?[.size] as? Int) ?? 0
      }
    }
    return sum
  }
}

/// What was told of the progress.
final class Told: Sendable {
  private let list = Mutex([BaseBackupProgress]())
  var all: [BaseBackupProgress] { list.withLock { $0 } }
  func add(_ progress: BaseBackupProgress) { list.withLock { $0.append(progress) } }
}

/// Has a statement run at a server once a backup of it has begun. The reader of the backup waits for it, so that the
/// backup cannot end before.
final class DuringBackup: Sendable {
  private let server: TestPostgres
  private let statement: String
  private let done = Mutex(false)

  init(_ server: TestPostgres, _ statement: String) { (self.server, self.statement) = (server, statement) }

  func runOnce(after progress: BaseBackupProgress) {
    guard
      !done.withLock({ done in
        defer { done = true }; return done
      })
    else { return }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "\(server.binaries)/psql")
    process.arguments = ["-X", "-q", "-c", statement]
    process.environment = server.environment()
    try? process.run()
    process.waitUntilExit()
  }
}
