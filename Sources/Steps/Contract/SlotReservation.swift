import PostgresEngine

/// Makes a replication slot before anybody reads from it, so that no log is removed until somebody does.
public struct SlotReservation: Sendable {
  private let server: ServerInput
  private let secrets: [String: [UInt8]]

  /// A reservation at the server that `server` describes, with the secrets that it names.
  public init(server: ServerInput, secrets: [String: [UInt8]]) { (self.server, self.secrets) = (server, secrets) }

  /// Makes the physical slot `slot`; one that is there already is success. Throws ``FailedServerProbe``.
  public func run(slot: String) async throws {
    let folder = try SecretFolder(secrets: secrets)
    defer { folder.remove() }
    do {
      var settings = try server.settings(in: folder.folder)
      settings.connectTimeout = .seconds(5)
      let connection = try await ReplicationConnection.connect(settings)
      do {
        try await connection.createPhysicalSlot(slot)
        await connection.close()
      } catch let error as PostgresError where error.code == .slotExists {
        await connection.close()
      } catch {
        await connection.close()
        throw error
      }
    } catch let error as PostgresError {
      throw FailedServerProbe(reason: error.code.rawValue, message: error.description)
    }
  }
}
