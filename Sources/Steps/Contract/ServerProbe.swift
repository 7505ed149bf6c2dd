import Foundation
import PostgresEngine
import TidemarkAPI

/// Finds out whether a server can be reached as a role with REPLICATION, and which server it is.
public struct ServerProbe: Sendable {
  private let server: ServerInput
  private let secrets: [String: [UInt8]]

  /// A probe of the server that `server` describes, with the secrets that it names.
  public init(server: ServerInput, secrets: [String: [UInt8]]) { (self.server, self.secrets) = (server, secrets) }

  /// What a server says of itself.
  public struct Findings: Sendable, Equatable {
    /// The version, for example `15.18`.
    public var version: String
    /// The cluster's system identifier, a decimal number.
    public var systemIdentifier: String

    /// The given findings.
    public init(version: String, systemIdentifier: String) {
      (self.version, self.systemIdentifier) = (version, systemIdentifier)
    }
  }

  /// Connects for replication and asks who is there. Throws ``FailedServerProbe``.
  public func run() async throws -> Findings {
    let folder = try SecretFolder(secrets: secrets)
    defer { folder.remove() }
    do {
      var settings = try server.settings(in: folder.folder)
      settings.connectTimeout = .seconds(5)
      let connection = try await ReplicationConnection.connect(settings)
      do {
        let system = try await connection.identifySystem()
        await connection.close()
        return Findings(
          version: connection.serverVersion.description, systemIdentifier: String(system.systemIdentifier))
      } catch {
        await connection.close()
        throw error
      }
    } catch let error as PostgresError {
      throw FailedServerProbe(reason: error.code.rawValue, message: error.description)
    }
  }
}

/// Why a server could not be asked.
public struct FailedServerProbe: Error, Sendable, Equatable, CustomStringConvertible {
  /// The reason, in the words of the condition.
  public let reason: String
  /// What was wrong and what to do.
  public let message: String

  public var description: String { message }
}
