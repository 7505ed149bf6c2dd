import Foundation
import KubeModel
import NIOCore
import ObjectStore
import Steps
import TestSupport
import Testing
import TidemarkAPI

/// A PostgreSQL server and a destination, and the program that dumps from the one and loads into the other.
struct ImportBench {
  let postgres: TestPostgres
  let store: StepStore
  private let scratch: ScratchDirectory
  private let kubeconfig: String

  /// Runs `body` with a server of its own.
  static func with(
    _ change: (inout TestPostgres.Options) -> Void = { _ in }, _ body: (ImportBench) async throws -> Void
  ) async throws {
    let postgres = try await TestPostgres.start(change)
    do {
      try await body(
        ImportBench(
          postgres: postgres, store: try await StepStore(), scratch: try ScratchDirectory("import"),
          kubeconfig: try await TestServers.kube().kubeconfig))
      try await postgres.remove()
    } catch {
      try await postgres.remove()
      throw error
    }
  }

  /// A path in a folder of the test's own.
  func file(_ name: String) -> String { scratch.file(name) }

  // MARK: Dumps

  /// A database with a bit of everything that a dump may have in it.
  func makeZoo(_ name: String, rows: Int = 500) async throws {
    try await postgres.psql("CREATE DATABASE \"\(name)\"")
    let script = file("zoo.sql")
    try Zoo.script(rows: rows).write(toFile: script, atomically: true, encoding: .utf8)
    try await RunningProgram.run(
      "\(postgres.binaries)/psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-f", script],
      environment: postgres.environment(name))
  }

  /// What `pg_dump` writes; `arguments` are such as `--format=custom`.
  func dump(_ database: String, _ arguments: String...) async throws -> Data { try await dump(database, arguments) }

  /// The same.
  func dump(_ database: String, _ arguments: [String]) async throws -> Data {
    let path = file("dump-\(UUID().uuidString)")
    try await RunningProgram.run(
      "\(postgres.binaries)/pg_dump", arguments + ["--file", path], environment: postgres.environment(database))
    return try Data(contentsOf: URL(filePath: path))
  }

  /// All of a database as SQL, without the keys that pg_dump draws anew each time.
  func contents(_ database: String) async throws -> String {
    let text = String(decoding: try await dump(database), as: UTF8.self)
    return text.split(separator: "\n", omittingEmptySubsequences: false)
      .filter { !$0.hasPrefix("\\restrict ") && !$0.hasPrefix("\\unrestrict ") }.joined(separator: "\n")
  }

  /// Stores `dump` in the destination.
  func upload(_ dump: Data, _ key: String = "dumps/d") async throws -> DumpLocation {
    try await store.withStore { _ = try await $0.put(key, ByteBuffer(bytes: dump)) }
    return DumpLocation(key: key)
  }

  /// Passes `dump` through a program such as gzip.
  func filtered(_ dump: Data, _ program: String, _ arguments: String...) async throws -> Data {
    let path = file("plain-\(UUID().uuidString)")
    try dump.write(to: URL(filePath: path))
    let out = "\(path).out"
    let command = ([program] + arguments).joined(separator: " ")
    try await RunningProgram.run("/bin/sh", ["-c", "\(command) < \(path) > \(out)"])
    return try Data(contentsOf: URL(filePath: out))
  }

  // MARK: Steps

  /// How fast a step reads from the destination.
  enum Speed { case full, bytesPerSecond(Int64) }

  /// An import of `source` that becomes `database`, ready to be run, also again and again.
  func prepare(
    _ source: DumpLocation, as database: String, role: (name: String, password: String)? = nil, speed: Speed = .full
  ) throws -> PreparedStep {
    var access = store.input
    if case .bytesPerSecond(let limit) = speed { access.downloadBytesPerSecond = limit }
    let request = try served()
    let input = ImportInput(
      request: request, cluster: ClusterAccess(kubeconfig: kubeconfig), store: access, source: source,
      server: server("postgres"), names: ImportNames(database: database, uid: request.uid),
      programDirectory: postgres.binaries)
    return try write(
      "import", JSONEncoder().encode(input), role ?? (postgres.superuser, postgres.superuserPassword))
  }

  /// A dump of `database`, ready to be run.
  func prepareDump(of database: String, role: (name: String, password: String)? = nil) throws -> PreparedStep {
    let input = DumpInput(
      backup: try served(), cluster: ClusterAccess(kubeconfig: kubeconfig), store: store.input,
      database: DatabasePlace(namespace: "shops", name: "shop"), server: server(database),
      programDirectory: postgres.binaries)
    return try write("dump", JSONEncoder().encode(input), role ?? (postgres.superuser, postgres.superuserPassword))
  }

  /// Loads `source` as `database`, and gives what came of it. A failure is an error.
  @discardableResult
  func load(_ source: DumpLocation, as database: String) async throws -> LoadedDump {
    let step = try prepare(source, as: database)
    let result = try await step.run()
    guard case .done(.loadedDump(let loaded)) = result else { throw TestSupportError("\(result)") }
    return loaded
  }

  private func served() throws -> ServedResource {
    let metadata = ObjectMeta(name: "load", namespace: "shops")
    var made = metadata
    made.uid = UUID().uuidString.lowercased()
    return try #require(ServedResource(made))
  }

  private func server(_ database: String) -> ServerInput {
    ServerInput(
      host: postgres.host, port: postgres.port, database: database, sslMode: .prefer,
      usernameFile: "\(StepRequest.secretsFolder)/user", passwordFile: "\(StepRequest.secretsFolder)/server")
  }

  private func write(
    _ name: String, _ input: Data, _ role: (name: String, password: String)
  ) throws -> PreparedStep {
    let folder = file("run-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      atPath: "\(folder)/\(StepRequest.secretsFolder)", withIntermediateDirectories: true)
    var secrets = store.secrets
    secrets["user"] = Array(role.name.utf8)
    secrets["server"] = Array(role.password.utf8)
    for (file, bytes) in secrets { try PrivateFile.write(bytes, to: "\(folder)/\(StepRequest.secretsFolder)/\(file)") }
    try PrivateFile.write(Array(input), to: "\(folder)/input.json")
    return PreparedStep(name: name, folder: folder)
  }

  // MARK: The server

  /// The names of the server's databases, but for those that it is made with.
  func databases() async throws -> [String] {
    try await postgres.psql(
      "SELECT datname FROM pg_database WHERE datname !~ '^(postgres|template.)$' ORDER BY 1"
    ).split(separator: "\n").map(String.init)
  }
}

/// A step with its folder.
struct PreparedStep {
  let name: String
  let folder: String

  func start() throws -> RunningProgram {
    try? FileManager.default.removeItem(atPath: "\(folder)/result.json")
    return try RunningProgram.start(
      builtProgram("tidemark"), ["step", name, "--input", "\(folder)/input.json", "--result", "\(folder)/result.json"])
  }

  /// Runs it to its end.
  func run() async throws -> StepResult {
    let program = try start()
    let outcome = try await program.wait(within: .seconds(180))
    guard let result = try StepResult.read(from: "\(folder)/result.json") else {
      throw TestSupportError("the step left no result: \(outcome.ending) \(outcome.errors.suffix(3000))")
    }
    return result
  }

  /// Runs it to its end, which has to be a failure for good; gives that.
  func failure() async throws -> FailureStatus {
    let result = try await run()
    guard case .failed(let failure) = result else { throw TestSupportError("the step did not fail: \(result)") }
    return failure
  }
}
