import PostgresEngine

/// Keeps clients out of a server, and lets them in again.
///
/// **What is closed.** Every database that takes connections, but for `template1`, through which the fence itself comes
/// in. Such a database carries the setting `tidemark.closed` until it is opened, so that a server that was restored
/// from a closed one can be opened too, and one that somebody else had closed stays so. Replication goes on: it needs
/// no database.
///
/// **Who may.** A superuser: others can neither close a database that is not theirs nor end a superuser's session.
public struct Fence: Sendable {
  /// What a fence sees of its server.
  public struct View: Sendable, Equatable {
    /// The databases that take connections, but for `template1`.
    public var openDatabases: [String]
    /// Clients between two transactions.
    public var idleClients: Int
    /// Clients in a transaction, and such as are coming in just now.
    public var busyClients: Int
    /// The global ids of transactions that were prepared for a two-phase commit.
    public var preparedTransactions: [String]
    /// Whether the role may close the server.
    public var mayClose: Bool
    /// The end of the log, once nothing is open and no client is left; what comes after it no client wrote.
    public var endOfLog: String?

    /// A view of a server.
    public init(
      openDatabases: [String] = [], idleClients: Int = 0, busyClients: Int = 0, preparedTransactions: [String] = [],
      mayClose: Bool = true, endOfLog: String? = nil
    ) {
      (self.openDatabases, self.idleClients, self.busyClients) = (openDatabases, idleClients, busyClients)
      (self.preparedTransactions, self.mayClose, self.endOfLog) = (preparedTransactions, mayClose, endOfLog)
    }
  }

  /// Which clients are ended.
  public enum Clients: Sendable, Equatable {
    /// Those between two transactions: nothing of theirs is lost.
    case idle
    /// Those in a transaction too, which is rolled back.
    case all
  }

  private let entry: ServerEntry

  /// A fence for the server that `server` describes, with the secrets that it names: those of a superuser.
  public init(server: ServerInput, secrets: [String: [UInt8]]) {
    self.init(ServerEntry(input: server, secrets: secrets))
  }

  /// A fence for a server that is entered so.
  init(_ entry: ServerEntry) { self.entry = entry }

  // MARK: Looking

  /// Looks at the server. Where it is closed and empty, it has the server finish its segment of the log, so that
  /// everything up to `endOfLog` is flushed. Throws ``FailedServerProbe``.
  public func look() async throws -> View {
    try await connected { connection in
      var view = View(openDatabases: try await Self.openDatabases(connection))
      view.mayClose = try await Self.flag(connection, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
      let coming = try await Self.number(connection, Self.comingIn)
      view.idleClients = try await Self.number(connection, Self.clients + " AND state = 'idle'")
      view.busyClients =
        try await Self.number(connection, Self.clients + " AND state IS DISTINCT FROM 'idle'") + coming
      view.preparedTransactions = try await connection.query("SELECT gid FROM pg_prepared_xacts ORDER BY prepared").rows
        .compactMap { $0[0] }
      if view.isQuiet, view.mayClose {
        view.endOfLog = try await connection.query("SELECT pg_switch_wal()").scalar
      }
      return view
    }
  }

  /// Sessions that passed the check whether their database takes connections, and that `pg_stat_activity` does not show
  /// yet: they hold a lock on the database from before that check until they are shown (`InitPostgres`, postinit.c). So
  /// it is asked before the activity.
  private static let comingIn = """
    SELECT count(DISTINCT pid) FROM pg_locks l WHERE locktype = 'object' AND classid = 'pg_database'::regclass
      AND pid <> pg_backend_pid() AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = l.pid)
    """

  private static let clients =
    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"

  private static func openDatabases(_ connection: SQLConnection) async throws -> [String] {
    try await connection.query(
      "SELECT datname FROM pg_database WHERE datallowconn AND datname <> 'template1' ORDER BY datname"
    ).rows.compactMap { $0[0] }
  }

  /// What the server lacks for a Database to be reached by `role`: the role itself, its right to replicate, or the
  /// database that it connects to; nil: nothing. Throws ``FailedServerProbe``.
  public func lack(for role: InstanceRole) async throws -> String? {
    try await connected { connection in
      let mayReplicate = try await connection.query(
        "SELECT rolcanlogin AND (rolreplication OR rolsuper) FROM pg_roles WHERE rolname = $1", [role.username]
      ).scalar
      guard let mayReplicate else { return "the role '\(role.username)'" }
      guard mayReplicate == "t" else { return "LOGIN and REPLICATION of the role '\(role.username)'" }
      let database = try await connection.query("SELECT 1 FROM pg_database WHERE datname = $1", [role.database]).scalar
      return database == nil ? "the database '\(role.database)'" : nil
    }
  }

  // MARK: Closing and opening

  /// Closes these databases for new connections. Throws ``FailedServerProbe``.
  public func close(_ databases: [String]) async throws {
    try await connected { connection in
      for name in databases.map(Self.quoted) {
        // One simple query is one transaction: a closed database always carries the mark.
        try await connection.execute(
          "ALTER DATABASE \(name) SET tidemark.closed = 'on'; ALTER DATABASE \(name) ALLOW_CONNECTIONS false")
      }
    }
  }

  /// Ends the sessions of these clients; their transactions are rolled back. Throws ``FailedServerProbe``.
  public func end(_ clients: Clients) async throws {
    try await connected { connection in
      let which = clients == .idle ? " AND state = 'idle'" : ""
      try await connection.query(
        Self.clients.replacing("count(*)", with: "count(pg_terminate_backend(pid))") + which)
    }
  }

  /// Opens what a fence has closed, here or on the server that this one was restored from. Throws
  /// ``FailedServerProbe``.
  public func open() async throws {
    try await connected { connection in
      let closed = try await connection.query(
        """
        SELECT datname FROM pg_database d JOIN pg_db_role_setting s ON s.setdatabase = d.oid AND s.setrole = 0
        WHERE 'tidemark.closed=on' = ANY (s.setconfig)
        """
      ).rows.compactMap { $0[0] }
      for name in closed.map(Self.quoted) {
        try await connection.execute(
          "ALTER DATABASE \(name) ALLOW_CONNECTIONS true; ALTER DATABASE \(name) RESET tidemark.closed")
      }
    }
  }

  // MARK: Pieces

  private func connected<Value: Sendable>(
    _ body: (SQLConnection) async throws -> Value
  ) async throws -> Value {
    do {
      return try await entry.with(database: "template1", within: .seconds(5), body)
    } catch let error as PostgresError {
      throw FailedServerProbe(reason: error.code.rawValue, message: error.description)
    }
  }

  private static func number(_ connection: SQLConnection, _ query: String) async throws -> Int {
    try await connection.query(query).scalar.flatMap { Int($0) } ?? 0
  }

  private static func flag(_ connection: SQLConnection, _ query: String) async throws -> Bool {
    try await connection.query(query).scalar == "t"
  }

  private static func quoted(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }
}

extension Fence.View {
  /// Whether no client is left, and none can come.
  public var isQuiet: Bool { openDatabases.isEmpty && idleClients == 0 && busyClients == 0 }
}
