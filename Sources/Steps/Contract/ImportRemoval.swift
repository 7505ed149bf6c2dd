import PostgresEngine

/// Drops what an import that did not end has loaded so far.
public struct ImportRemoval: Sendable {
  private let server: ServerInput
  private let secrets: [String: [UInt8]]

  /// A removal at the server that `server` describes, with the secrets that it names.
  public init(server: ServerInput, secrets: [String: [UInt8]]) { (self.server, self.secrets) = (server, secrets) }

  /// Drops the temporary database of `names`; one that is not there is success. Its step must not be at work.
  ///
  /// Throws ``FailedServerProbe``.
  public func run(_ names: ImportNames, for request: ServedResource) async throws {
    let folder = try SecretFolder(secrets: secrets)
    defer { folder.remove() }
    do {
      var settings = try server.settings(in: folder.folder)
      settings.connectTimeout = .seconds(5)
      try await ImportDatabases.with(names, for: request, at: settings) { try await $0.dropTemporary() }
    } catch let error as PostgresError {
      throw FailedServerProbe(reason: error.code.rawValue, message: error.description)
    }
  }
}
