import Foundation

/// A PostgreSQL server of a test's own, as `hack/postgres` starts it: a second to make, a fifth of one to restart.
public struct TestPostgres: Sendable {
  /// What is special about a server.
  public struct Options: Sendable {
    /// Further lines of postgresql.conf.
    public var settings: [String: String] = [:]
    /// The size of a WAL segment, in MiB.
    public var segmentMegabytes = 16
    /// Whether pages carry checksums.
    public var checksums = Checksums.on
    /// The server's time zone.
    public var timeZone = "UTC"
    /// Whether it speaks TLS, with a certificate that nobody trusts by himself.
    public var tls = TLS.off
    /// Another PostgreSQL than the newest that is installed.
    public var binaries: String?

    /// All as usual.
    public init() {}
  }

  /// See `Options.checksums`.
  public enum Checksums: Sendable { case on, off }

  /// See `Options.tls`.
  public enum TLS: Sendable { case on, off }

  /// PostgreSQL's own shutdown modes.
  public enum StopMode: String, Sendable { case smart, fast, immediate }

  /// Always 127.0.0.1.
  public let host: String
  /// The port; it stays the same over restarts.
  public let port: Int
  /// The superuser.
  public let superuser: String
  /// The superuser's password.
  public let superuserPassword: String
  /// A role that may replicate and nothing else.
  public let replicationUser: String
  /// That role's password.
  public let replicationPassword: String
  /// PostgreSQL's programs.
  public let binaries: String
  /// The data directory.
  public let dataDirectory: String
  /// The folder of the Unix socket.
  public let socketDirectory: String
  /// The system's user whom server and data belong to.
  public let systemUser: String
  /// The server's log.
  public let logFile: String
  /// With TLS: the certificate of the authority that signed the server's.
  public let caFile: String?
  /// The folder of the server: `hack/postgres … --dir` takes it.
  public let directory: String

  /// Makes and starts a server. Options are changed in place: `TestPostgres.start { $0.timeZone = "Asia/Tokyo" }`.
  public static func start(_ change: (inout Options) -> Void = { _ in }) async throws -> TestPostgres {
    var options = Options()
    change(&options)
    return try await start(in: ScratchDirectory("pg").path, options, [])
  }

  /// Starts a server on a data directory that exists, such as a restored one, on a port of its own. The directory
  /// is given to the server's user. `origin` is the server that its roles and passwords come from.
  public static func serve(
    dataDirectory: String, from origin: TestPostgres, settings: [String: String] = [:]
  ) async throws -> TestPostgres {
    let directory = try ScratchDirectory("pg").path
    try """
    SUPERUSER_PASSWORD=\(origin.superuserPassword)
    REPLICATION_PASSWORD=\(origin.replicationPassword)

    """.write(toFile: "\(directory)/settings", atomically: true, encoding: .utf8)
    var options = Options()
    options.settings = settings
    options.binaries = origin.binaries
    return try await start(in: directory, options, ["--data", dataDirectory])
  }

  private static func start(in directory: String, _ options: Options, _ more: [String]) async throws -> TestPostgres {
    var arguments = ["up", "--dir", directory, "--wal-segsize", String(options.segmentMegabytes)]
    arguments += ["--timezone", options.timeZone]
    arguments += options.settings.sorted { $0.key < $1.key }.flatMap { ["--set", "\($0.key)=\($0.value)"] }
    if options.checksums == .off { arguments.append("--no-data-checksums") }
    if options.tls == .on { arguments.append("--tls") }
    if let binaries = options.binaries { arguments += ["--bindir", binaries] }
    try await HackScript.run("postgres", arguments + more)
    return try TestPostgres(directory: directory, HackScript.environment(in: directory))
  }

  private init(directory: String, _ values: [String: String]) throws {
    self.directory = directory
    host = try values.required("PGHOST")
    port = Int(try values.required("PGPORT")) ?? 0
    superuser = try values.required("PGUSER")
    superuserPassword = try values.required("PGPASSWORD")
    replicationUser = try values.required("TIDEMARK_PG_REPLICATION_USER")
    replicationPassword = try values.required("TIDEMARK_PG_REPLICATION_PASSWORD")
    binaries = try values.required("TIDEMARK_PG_BINDIR")
    dataDirectory = try values.required("TIDEMARK_PG_DATA")
    socketDirectory = try values.required("TIDEMARK_PG_SOCKET_DIR")
    systemUser = try values.required("TIDEMARK_PG_OS_USER")
    logFile = try values.required("TIDEMARK_PG_LOG")
    caFile = values["TIDEMARK_PG_CA_FILE"]
  }

  /// Runs statements as the superuser, each in a transaction of its own, and gives the rows: a line each, columns
  /// separated by `|`. An error throws.
  @discardableResult
  public func psql(_ statements: String..., database: String = "postgres") async throws -> String {
    let arguments = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"] + statements.flatMap { ["-c", $0] }
    let outcome = try await RunningProgram.run("\(binaries)/psql", arguments, environment: environment(database))
    return outcome.output.hasSuffix("\n") ? String(outcome.output.dropLast()) : outcome.output
  }

  /// Runs pgbench as the superuser: `pgbench("-i", "-s", "10")`, `pgbench("-T", "5", "-c", "4")`.
  @discardableResult
  public func pgbench(_ arguments: String..., database: String = "postgres") async throws -> String {
    try await RunningProgram.run("\(binaries)/pgbench", arguments, environment: environment(database)).output
  }

  /// Starts a program of PostgreSQL, such as pgbench or pg_basebackup, beside the test.
  public func startClient(_ program: String, _ arguments: String...) throws -> RunningProgram {
    try RunningProgram.start("\(binaries)/\(program)", arguments, environment: environment("postgres"))
  }

  /// What libpq's programs want in their environment to come in as the superuser.
  public func environment(_ database: String = "postgres") -> [String: String] {
    [
      "PGHOST": host, "PGPORT": String(port), "PGUSER": superuser, "PGPASSWORD": superuserPassword,
      "PGDATABASE": database, "PGCONNECT_TIMEOUT": "10",
    ]
  }

  /// Stops the server.
  public func stop(_ mode: StopMode = .fast) async throws {
    try await HackScript.run("postgres", ["stop", "--mode", mode.rawValue, "--dir", directory])
  }

  /// Starts it again, on the same port, and waits until it answers.
  public func start() async throws { try await HackScript.run("postgres", ["start", "--dir", directory]) }

  /// `stop(.fast)`, then `start()`.
  public func restart() async throws { try await HackScript.run("postgres", ["restart", "--dir", directory]) }

  /// SIGKILL to all its processes at once, as when the machine dies.
  public func kill9() async throws { try await HackScript.run("postgres", ["kill9", "--dir", directory]) }

  /// Ends the server and deletes its data (but for a data directory that was given).
  public func remove() async throws {
    try await HackScript.run("postgres", ["down", "--remove", "--dir", directory])
  }
}
