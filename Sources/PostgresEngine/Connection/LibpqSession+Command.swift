import CLibpq
import Glibc

extension LibpqSession {
  /// Sends a command over the simple protocol and returns all its results. Not for commands that copy.
  func simple(_ command: String, during operation: String) throws -> [SQLResult] {
    try execute(during: operation) { connection in PQsendQuery(connection, command) }
  }

  /// Sends one statement with parameters in text form.
  func parametrized(_ statement: String, _ parameters: [String?], during operation: String) throws -> SQLResult {
    let values = parameters.map { $0.flatMap { strdup($0) } }
    defer { values.forEach { free($0) } }
    let pointers = values.map { UnsafePointer($0) }
    let results = try execute(during: operation) { connection in
      PQsendQueryParams(connection, statement, Int32(pointers.count), nil, pointers, nil, nil, 0)
    }
    return results.last ?? SQLResult()
  }

  private func execute(
    during operation: String, send: (OpaquePointer) -> Int32
  ) throws -> [SQLResult] {
    let connection = try open()
    _ = takeNotices()
    guard send(connection) == 1 else { throw lostError }
    do {
      try flush()
      return try collect(during: operation)
    } catch is CancellationError {
      settleAfterCancel()
      throw CancellationError()
    }
  }

  /// All results up to the end of the command; throws its first error.
  private func collect(during operation: String) throws -> [SQLResult] {
    var results: [SQLResult] = []
    var failure: PostgresError?
    while let result = try nextResult() {
      defer { PQclear(result) }
      switch PQresultStatus(result) {
      case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: results.append(SQLResult(result))
      case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE, PGRES_NONFATAL_ERROR:
        failure = failure ?? error(of: result, during: operation)
      default:
        finish()
        throw PostgresError(.protocolViolation, "\(operation): the server began to copy, which was not asked for")
      }
    }
    if let failure { throw failure }
    return results
  }

  /// The next result of the running command, or nil at its end.
  func nextResult() throws -> OpaquePointer? {
    let connection = try open()
    while PQisBusy(connection) == 1 {
      _ = try wait(for: .read)
      // A broken connection is told by the result that follows.
      if PQconsumeInput(connection) == 0 { break }
    }
    return PQgetResult(connection)
  }

  /// Writes out what libpq holds for the server.
  func flush() throws {
    let connection = try open()
    while true {
      switch PQflush(connection) {
      case 0: return
      case 1:
        _ = try wait(for: [.read, .write])
        guard PQconsumeInput(connection) == 1 else { throw lostError }
      default: throw lostError
      }
    }
  }

  /// The error that `result` carries; a result without SQLSTATE is libpq's own word about a broken connection.
  func error(of result: OpaquePointer, during operation: String) -> PostgresError {
    let report = ServerReport(result)
    guard !report.sqlState.isEmpty else {
      return PostgresError(
        .connectionLost, "\(operation): the connection to PostgreSQL broke: \(report.message)",
        hint: "See the server's log; it may have been restarted, or the network cut")
    }
    return PostgresError(report, during: operation)
  }

  /// After an interrupted statement: cancels it at the server and reads to its end, so that the connection stays
  /// usable; gives the connection up where that takes more than 5 s.
  private func settleAfterCancel() {
    interruption = nil
    cancelOnServer()
    guard let connection else { return }
    let deadline = ContinuousClock.now + .seconds(5)
    do {
      while true {
        while PQisBusy(connection) == 1 {
          guard try wait(for: .read, until: deadline) != .timedOut, PQconsumeInput(connection) == 1 else {
            return finish()
          }
        }
        guard let result = PQgetResult(connection) else { return }
        PQclear(result)
      }
    } catch { finish() }
  }
}

extension ServerReport {
  /// The fields of an error's or a notice's result.
  init(_ result: OpaquePointer) {
    func field(_ code: Character) -> String? {
      guard let ascii = code.asciiValue else { return nil }
      return PQresultErrorField(result, Int32(ascii)).map { String(cString: $0) }
    }
    self.init(
      severity: field("V") ?? field("S") ?? "ERROR", sqlState: field("C") ?? "",
      message: field("M") ?? String(cString: PQresultErrorMessage(result)).trimmed,
      detail: field("D"), hint: field("H"))
  }
}

extension SQLResult {
  /// Copies a result out of libpq's memory.
  init(_ result: OpaquePointer) {
    let columns = (0..<PQnfields(result)).map { String(cString: PQfname(result, $0)) }
    let rows = (0..<PQntuples(result)).map { row in
      (0..<Int32(columns.count)).map { column in
        PQgetisnull(result, row, column) == 1 ? nil : String(cString: PQgetvalue(result, row, column))
      }
    }
    self.init(columns: columns, values: rows, tag: String(cString: PQcmdStatus(result)))
  }
}

extension LibpqSession {
  /// The server's version, as it said it at the start of the session.
  func serverVersion() throws -> PostgresVersion { PostgresVersion(number: Int(PQserverVersion(try open()))) }
}
