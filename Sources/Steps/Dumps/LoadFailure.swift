import Foundation
import PostgresEngine

/// What `psql`, `pg_restore` and `pg_dump` say when they fail, in our words.
package enum LoadFailure {
  /// What an error of `psql` means.
  ///
  /// `complaints` is the end of its standard error, with `VERBOSITY=verbose`. `firstDataLine` gives the first line of
  /// the data of a `COPY` that ends on the given line.
  package static func psql(_ complaints: String, firstDataLine: (Int) -> Int?) -> any Error {
    guard let report = PsqlReport(complaints) else { return unexplained("psql", complaints) }
    if report.isTransient { return lost(report.message) }
    let line = report.dataLine.flatMap { data in firstDataLine(report.line).map { $0 + data - 1 } } ?? report.line
    return StepError(
      code: .loadFailed, message: "line \(line): \(report.message)" + advice(report.message) + "; nothing was changed")
  }

  /// What an error of `pg_restore` means.
  package static func pgRestore(_ complaints: String) -> any Error {
    let lines = complaints.split(whereSeparator: \.isNewline).map(String.init)
    let prefix = "pg_restore: error: "
    guard let start = lines.lastIndex(where: { $0.hasPrefix(prefix) }) else {
      return unexplained("pg_restore", complaints)
    }
    let details = lines[(start + 1)...].filter { !$0.hasPrefix("pg_restore: ") && !$0.hasPrefix("Command was:") }
    let context = details.prefix { line in ["DETAIL:", "HINT:", "CONTEXT:"].contains { line.hasPrefix($0) } }
    let message = ([String(lines[start].dropFirst(prefix.count))] + context).map(tidied).joined(separator: "; ")
    if isLoss(message) { return lost(message) }
    let entry = lines[..<start].last { $0.contains("from TOC entry ") }.flatMap { line in
      line.range(of: "TOC entry ").map { String(line[$0.lowerBound...]) }
    }
    let place = entry.map { "\($0): " } ?? ""
    return StepError(
      code: .loadFailed, message: place + message + advice(message) + "; nothing was changed")
  }

  /// What an error of `pg_dump` means.
  package static func pgDump(_ complaints: String) -> any Error {
    let lines = complaints.split(whereSeparator: \.isNewline).map(String.init)
    let prefix = "pg_dump: error: "
    guard let start = lines.firstIndex(where: { $0.hasPrefix(prefix) }) else {
      return unexplained("pg_dump", complaints)
    }
    let message = lines[start...].map { tidied($0.replacing("pg_dump: ", with: "")) }.joined(separator: "; ")
    if isLoss(message) { return lost(message) }
    let hint =
      message.contains("permission denied")
      ? "; name the Secret of a role that may read everything in connection.adminSecretName" : ""
    return StepError(code: .dumpFailed, message: message + hint)
  }

  /// A program that a signal ended.
  static func killed(_ program: String) -> StepError {
    StepError(code: .programKilled, message: "\(program) was killed; the machine may lack memory. It is tried again")
  }

  private static func unexplained(_ program: String, _ complaints: String) -> any Error {
    let said = complaints.split(whereSeparator: \.isNewline).suffix(5).map { tidied(String($0)) }.joined(
      separator: "; ")
    if isLoss(said) { return lost(said) }
    return StepError(code: .loadFailed, message: "\(program) failed; it said: \(said.isEmpty ? "nothing" : said)")
  }

  private static func lost(_ message: String) -> PostgresError {
    PostgresError(.connectionLost, "the connection to PostgreSQL broke while a dump went through it: \(message)")
  }

  /// Whether a message without SQLSTATE tells of a broken connection (`fe-misc.c`, `fe-connect.c`, `postgres.c`).
  fileprivate static func isLoss(_ message: String) -> Bool {
    [
      "server closed the connection unexpectedly", "terminating connection", "connection to server at",
      "connection to server on socket", "connection to server was lost", "no connection to the server",
      "SSL SYSCALL error", "could not send data",
      "could not receive data", "the database system is",
    ].contains { message.contains($0) }
  }

  /// What to do about the errors that dumps from elsewhere meet first.
  private static func advice(_ message: String) -> String {
    if message.contains("role \""), message.contains("does not exist") {
      return "; create the role, or dump with --no-owner --no-privileges"
    }
    if message.contains("must be owner of") || message.contains("must be member of role")
      || message.contains("must be superuser") || message.contains("permission denied")
      || message.contains("must be able to SET ROLE")
    {
      return "; name a superuser's Secret in connection.adminSecretName, or dump with --no-owner --no-privileges"
    }
    if message.contains("unsupported version"), message.contains("in file header") {
      return "; the dump was made by a newer pg_dump: install its version's postgresql-client"
    }
    if message.contains("max_locks_per_transaction") { return "; raise max_locks_per_transaction at the server" }
    return ""
  }

  private static func tidied(_ line: String) -> String {
    line.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }
}

/// The error that ended `psql`: the last report in its standard error.
private struct PsqlReport {
  let line: Int
  let message: String
  private let sqlState: String?

  private static let mark = "psql:<stdin>:"

  /// Reads `psql:<stdin>:17: ERROR:  22P02: invalid input …` and the lines that belong to it.
  init?(_ text: String) {
    let lines = text.split(whereSeparator: \.isNewline).map(String.init)
    guard let start = lines.lastIndex(where: { $0.hasPrefix(Self.mark) }) else { return nil }
    let head = lines[start].dropFirst(Self.mark.count).split(separator: ":", maxSplits: 1).map(String.init)
    guard head.count == 2, let line = Int(head[0]) else { return nil }
    self.line = line
    var words = head[1].split(separator: " ", omittingEmptySubsequences: true).map(String.init)
    if words.count > 2, words[1].utf8.count == 6, words[1].hasSuffix(":") {
      sqlState = String(words.remove(at: 1).dropLast())
    } else {
      sqlState = nil
    }
    let details = lines[(start + 1)...].filter { line in
      ["DETAIL:", "HINT:", "CONTEXT:", "QUERY:"].contains { line.hasPrefix($0) }
    }
    let parts = [words.joined(separator: " ")] + details.map { $0.replacing("  ", with: " ") }
    message = parts.joined(separator: "; ") + (sqlState.map { " (SQLSTATE \($0))" } ?? "")
  }

  /// The line among the data of a `COPY`, of `COPY t, line 3, column id: "x"`.
  var dataLine: Int? {
    guard let copy = message.range(of: "COPY "), let word = message[copy.upperBound...].range(of: ", line ") else {
      return nil
    }
    return Int(message[word.upperBound...].prefix(while: \.isNumber))
  }

  /// SQLSTATEs of what passes: PostgreSQL's documentation, appendix A.
  var isTransient: Bool {
    guard let sqlState else { return LoadFailure.isLoss(message) }
    return sqlState.hasPrefix("08") || ["57P01", "57P02", "57P03", "53300", "40001", "40P01"].contains(sqlState)
  }
}
