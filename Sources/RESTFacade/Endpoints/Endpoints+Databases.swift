import KubeModel
import KubeRuntime
import TidemarkAPI

/// `/databases`
extension Endpoints {
  func listDatabases(_ call: Call) async throws -> Answer {
    .list(try await page(stores.databases, call).map { DatabaseView(database: $0) })
  }

  func getDatabase(_ call: Call) async throws -> Answer {
    .data(DatabaseView(database: try await database(call)))
  }

  func getRecoveryWindow(_ call: Call) async throws -> Answer {
    .data(RecoveryWindowView(database: try await database(call)))
  }

  private func database(_ call: Call) async throws -> Database {
    try await find(stores.databases, call, namespace: try call.onlyNamespace(), to: .get)
  }
}
