import PostgresEngine
import TidemarkAPI

/// How a server is entered from this process, with the secrets that the input names.
struct ServerEntry: Sendable {
  var input: ServerInput
  var secrets: [String: [UInt8]]

  private enum File {
    static let username = "server-username"
    static let password = "server-password"
    static let authority = "server-ca.crt"
    static let certificate = "client.crt"
    static let key = "client.key"
  }

  /// An entry with the secrets that `input` names.
  init(input: ServerInput, secrets: [String: [UInt8]]) { (self.input, self.secrets) = (input, secrets) }

  /// An entry as a role with its password.
  init(_ endpoint: Endpoint, database: String, sslMode: SSLMode, user: String, password: String) {
    input = ServerInput(
      host: endpoint.host, port: endpoint.port, database: database, sslMode: sslMode,
      usernameFile: Self.path(File.username), passwordFile: Self.path(File.password))
    secrets = [File.username: Array(user.utf8), File.password: Array(password.utf8)]
  }

  /// The same entry by a certificate, to a server whose own is signed by `authority`; all in PEM.
  func byCertificate(_ certificate: [UInt8], key: [UInt8], authority: [UInt8]) -> ServerEntry {
    var entry = self
    entry.input.sslMode = .verifyCA
    entry.input.caFile = Self.path(File.authority)
    entry.input.certificateFile = Self.path(File.certificate)
    entry.input.keyFile = Self.path(File.key)
    entry.secrets.merge([File.authority: authority, File.certificate: certificate, File.key: key]) { _, new in new }
    return entry
  }

  /// Runs `body` with a connection. Throws ``PostgresError``.
  func with<Value: Sendable>(
    database: String? = nil, within bound: Duration, _ body: (SQLConnection) async throws -> Value
  ) async throws -> Value {
    let folder = try SecretFolder(secrets: secrets)
    defer { folder.remove() }
    var settings = try input.settings(in: folder.folder)
    settings.database = database ?? settings.database
    settings.connectTimeout = bound
    return try await SQLConnection.with(settings, body)
  }

  private static func path(_ file: String) -> String { "\(StepRequest.secretsFolder)/\(file)" }
}
