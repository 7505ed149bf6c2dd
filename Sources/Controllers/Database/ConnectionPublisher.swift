import Foundation
package import KubeClient
package import KubeModel
import Steps
package import TidemarkAPI

/// Tells clients where the live server of a Database is: by the Secret `<database>-connection`, and by the selector of
/// the Service that the spec names.
///
/// Both follow ``TidemarkAPI/Database/liveInstance``, so that they move with a switch. What carries that name and is
/// somebody else's is left alone.
struct ConnectionPublisher: Sendable {
  let client: KubeClient

  /// Makes both say what is so now. Gives what stands in the way, each with what to do.
  func publish(_ database: Database, _ role: InstanceRole) async throws -> [String] {
    [try await publishSecret(database, role), try await publishService(database)].compactMap { $0 }
  }

  // MARK: The Secret

  private func publishSecret(_ database: Database, _ role: InstanceRole) async throws -> String? {
    let wanted = Secret.connection(of: database, role)
    if let there = try await client.find(Secret.self, wanted.key) {
      guard there.isConnection(of: database) else {
        return
          "Secret \(wanted.key.name) is somebody else's and is left alone, so it does not follow a switch; rename it"
      }
      let isSame = wanted.data.allSatisfy { there.data[$0.key] == $0.value }
      if isSame, there.metadata.labels[TidemarkLabel.database] == database.metadata.name,
        there.metadata.ownerReferences == wanted.metadata.ownerReferences
      {
        return nil
      }
    }
    _ = try await client.apply(wanted, fieldManager: TidemarkGroup.controllerFieldManager, conflicts: .force)
    return nil
  }

  // MARK: The Service

  private func publishService(_ database: Database) async throws -> String? {
    guard let name = database.spec.serviceName else { return nil }
    let key = ObjectKey(namespace: database.metadata.namespace, name: name)
    guard let service = try await client.find(Service.self, key) else {
      return "Service \(name) is not there, so clients that use it do not follow a switch; create it"
    }
    if let patch = try ServiceRepointing.patch(service, to: database.liveInstance) {
      _ = try await client.jsonPatch(Service.self, key, patch)
    }
    return ServiceRepointing.obstacle(service, database.liveInstance)
  }
}

/// Points a Service to the instance that Tidemark hosts, and back to what it selected before.
package enum ServiceRepointing {
  /// What has to change; nil where the Service is right.
  package static func patch(_ service: Service, to live: DatabaseInstance) throws -> [JSONPatchOperation]? {
    let kept = service.metadata.annotations[TidemarkAnnotation.originalSelector]
    let now = service.spec?.selector
    let selector: JSONPointer = ["spec", "selector"]
    let annotation: JSONPointer = ["metadata", "annotations", TidemarkAnnotation.originalSelector]
    let test = JSONPatchOperation.test(selector, json(now))
    guard let name = live.name else {
      guard let kept else { return nil }
      let original = try JSONDecoder().decode([String: String].self, from: Data(kept.utf8))
      return [test, original.isEmpty ? .remove(selector) : .add(selector, json(original)), .remove(annotation)]
    }
    let wanted = [TidemarkLabel.instance: name]
    guard now != wanted else { return nil }
    var operations = [test, .add(selector, json(wanted))]
    guard kept == nil else { return operations }
    let text = String(decoding: try StepRequest.encode(now ?? [:]), as: UTF8.self)
    if service.metadata.annotations.isEmpty { operations.append(.add(["metadata", "annotations"], .object([:]))) }
    return operations + [.add(annotation, .string(text))]
  }

  /// Why clients do not get through to the live instance, though the Service selects it; nil where they do.
  package static func obstacle(_ service: Service, _ live: DatabaseInstance) -> String? {
    guard live.name != nil, let port = live.endpoint?.port, let name = service.metadata.name else { return nil }
    let targets = (service.spec?.ports ?? []).map { $0.targetPort ?? .integer(Int64($0.port)) }
    guard !targets.isEmpty, !targets.contains(where: { [.integer(Int64(port)), .string("postgresql")].contains($0) })
    else { return nil }
    return "Service \(name) has no port that leads to \(port), where the live instance listens; set a targetPort to "
      + "postgresql, or to \(port)"
  }

  private static func json(_ selector: [String: String]?) -> JSONValue {
    selector.map { .object($0.mapValues { .string($0) }) } ?? .null
  }
}

extension Secret {
  /// How the live server of `database` is reached.
  static func connection(of database: Database, _ role: InstanceRole) -> Secret {
    let endpoint = database.liveEndpoint
    let name = database.metadata.name ?? ""
    return Secret(
      metadata: ObjectMeta(
        name: "\(name)-connection", namespace: database.metadata.namespace, labels: [TidemarkLabel.database: name],
        ownerReferences: [database.ownerReference()].compactMap { $0 }),
      type: "Opaque",
      strings: [
        "username": role.username, "password": role.password, "host": endpoint.host, "port": "\(endpoint.port)",
        "database": database.spec.connection.database,
      ])
  }

  /// Whether this is the Secret that Tidemark keeps for `database`.
  fileprivate func isConnection(of database: Database) -> Bool {
    metadata.labels[TidemarkLabel.database] == database.metadata.name
      || metadata.ownerReferences.contains { $0.uid == database.metadata.uid }
  }
}
