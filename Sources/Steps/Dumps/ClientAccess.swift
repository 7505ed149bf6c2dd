import Foundation
import PostgresEngine
import Subprocess
import SystemPackage

/// How a client program of PostgreSQL reaches a database: all of it in its environment, but for the password, which
/// lies in a file that only its owner reads. Nothing of it is in the arguments, which every user of the machine sees.
struct ClientAccess {
  let settings: PostgresConnectionSettings
  private let passwordFile: String

  /// Access by `settings`; the password's file is written into `directory`, which is private.
  init(_ settings: PostgresConnectionSettings, in directory: String) throws {
    self.settings = settings
    passwordFile = "\(directory)/pgpass"
    try PrivateFile.write(Array(Self.passwordLine(settings.password?.secret ?? "").utf8), to: passwordFile)
  }

  /// Removes the password's file.
  func remove() { try? FileManager.default.removeItem(atPath: passwordFile) }

  /// A line of a password file for every server, as libpq reads it (`passwordFromFile` in `fe-connect.c`).
  static func passwordLine(_ password: String) throws -> String {
    guard !password.contains(where: \.isNewline) else {
      throw StepError(
        code: .invalidInput,
        message: "the role's password has a line break, which PostgreSQL's client programs can't be told; change it")
    }
    return "*:*:*:*:" + password.replacing("\\", with: "\\\\").replacing(":", with: "\\:") + "\n"
  }

  /// The environment of a program that connects to `database`. Nothing is inherited but `PATH`.
  ///
  /// Time limits and the like that the role or the database may have do not hold for it. `encoding` is that of SQL which
  /// does not say it; nil: the database's.
  func environment(database: String, encoding: String? = nil) -> Subprocess.Environment {
    var values = [
      "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "LC_ALL": "C", "PGHOST": settings.host,
      "PGPORT": "\(settings.port)", "PGUSER": settings.user, "PGDATABASE": database,
      "PGSSLMODE": settings.sslMode.rawValue, "PGPASSFILE": passwordFile, "PGAPPNAME": "tidemark",
      "PGCONNECT_TIMEOUT": "30", "PGOPTIONS": Self.options,
    ]
    if let encoding { values["PGCLIENTENCODING"] = encoding }
    if let authority = settings.caFile { values["PGSSLROOTCERT"] = authority }
    return .custom(
      Dictionary(uniqueKeysWithValues: values.map { (Subprocess.Environment.Key(stringLiteral: $0), $1) }))
  }

  private static let options = [
    "statement_timeout=0", "lock_timeout=0", "idle_in_transaction_session_timeout=0",
    "default_transaction_read_only=off", "client_min_messages=warning",
  ].map { "-c \($0)" }.joined(separator: " ")
}
