import PostgresEngine

/// Drops a replication slot that nobody reads from any more.
public struct SlotRemoval: Sendable {
  private let server: ServerInput
  private let secrets: [String: [UInt8]]

  /// A removal at the server that `server` describes, with the secrets that it names.
  public init(server: ServerInput, secrets: [String: [UInt8]]) { (self.server, self.secrets) = (server, secrets) }

  /// Drops `slot`; one that is not there is success.
  public func run(slot: String) async throws {
    let folder = try SecretFolder(secrets: secrets)
    defer { folder.remove() }
    var settings = try server.settings(in: folder.folder)
    settings.connectTimeout = .seconds(5)
    let connection = try await ReplicationConnection.connect(settings)
    do {
      try await connection.dropSlot(slot)
      await connection.close()
    } catch let error as PostgresError where error.code == .slotMissing {
      await connection.close()
    } catch {
      await connection.close()
      throw error
    }
  }
}
