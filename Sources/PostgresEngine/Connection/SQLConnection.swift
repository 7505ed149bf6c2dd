/// A connection for SQL: one statement at a time, parameters and values in text form, times in UTC.
///
/// Statements of several tasks wait for each other. A cancelled statement is cancelled at the server too, and the
/// connection stays usable. A connection that is dropped without ``close()`` is closed in the background.
public final class SQLConnection: Sendable {
  private let thread: LibpqThread
  /// The server's version.
  public let serverVersion: PostgresVersion

  private init(thread: LibpqThread, serverVersion: PostgresVersion) {
    (self.thread, self.serverVersion) = (thread, serverVersion)
  }

  /// Connects; throws ``PostgresError``.
  public static func connect(_ settings: PostgresConnectionSettings) async throws -> SQLConnection {
    let thread = try await LibpqThread.connect(settings, for: .sql)
    return SQLConnection(thread: thread, serverVersion: try await thread.run { try $0.serverVersion() })
  }

  /// Connects, runs `body`, and closes, whatever happens in between.
  public static func with<Value: Sendable>(
    _ settings: PostgresConnectionSettings, _ body: (SQLConnection) async throws -> Value
  ) async throws -> Value {
    let connection = try await connect(settings)
    do {
      let value = try await body(connection)
      await connection.close()
      return value
    } catch {
      await connection.close()
      throw error
    }
  }

  /// Runs one statement; `$1`… stand for `parameters`.
  @discardableResult
  public func query(_ statement: String, _ parameters: [String?] = []) async throws -> SQLResult {
    try await thread.run { try $0.parametrized(statement, parameters, during: "SQL") }
  }

  /// Runs a script: statements separated by semicolons, no parameters. Returns the last one's result.
  @discardableResult
  public func execute(_ script: String) async throws -> SQLResult {
    try await thread.run { try $0.simple(script, during: "SQL").last ?? SQLResult() }
  }

  /// Ends the connection.
  public func close() async { await thread.close() }
}
