import PostgresEngine

/// A physical replication slot of a server: it keeps log there until that was read.
public struct ReplicationSlot: Sendable {
  private let name: String
  private let server: ServerInput
  private let secrets: [String: [UInt8]]

  /// The slot `name` at the server that `server` describes, with the secrets that it names.
  public init(_ name: String, at server: ServerInput, secrets: [String: [UInt8]]) {
    (self.name, self.server, self.secrets) = (name, server, secrets)
  }

  /// Makes the slot before anybody reads from it, so that no log is removed until somebody does; one that is there
  /// already is success. Throws ``FailedServerProbe``.
  public func reserve() async throws {
    try await connected(unless: .slotExists) { try await $0.createPhysicalSlot(name) }
  }

  /// Drops the slot, from which nobody reads any more; one that is not there is success. Throws ``FailedServerProbe``.
  public func drop() async throws {
    try await connected(unless: .slotMissing) { try await $0.dropSlot(name) }
  }

  /// Does something to the slot; where the server answers `done`, it was done already.
  private func connected(
    unless done: PostgresError.Code, _ body: (ReplicationConnection) async throws -> Void
  ) async throws {
    let folder = try SecretFolder(secrets: secrets)
    defer { folder.remove() }
    do {
      var settings = try server.settings(in: folder.folder)
      settings.connectTimeout = .seconds(5)
      let connection = try await ReplicationConnection.connect(settings)
      do {
        try await body(connection)
        await connection.close()
      } catch {
        await connection.close()
        throw error
      }
    } catch let error as PostgresError {
      guard error.code != done else { return }
      throw FailedServerProbe(reason: error.code.rawValue, message: error.description)
    }
  }
}
