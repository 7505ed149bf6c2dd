import Foundation
import KubeModel
import TidemarkAPI

/// The objects of an instance. All have its name, but for its Secrets.
struct InstanceManifests: Sendable {
  let id: InstanceID
  let settings: InstanceSettings

  static let port = 5432
  static let container = "postgresql"
  static let volume = "instance"
  /// The volume of an instance whose template names no size, in bytes, at least.
  static let leastStorage: Int64 = 10 << 30

  static let componentLabel = "app.kubernetes.io/component"
  static let component = "instance"

  var key: ObjectKey { ObjectKey(namespace: id.namespace, name: id.name) }
  var podKey: ObjectKey { ObjectKey(namespace: id.namespace, name: "\(id.name)-0") }
  var certificatesKey: ObjectKey { ObjectKey(namespace: id.namespace, name: "\(id.name)-tls") }
  var archiveKey: ObjectKey { ObjectKey(namespace: id.namespace, name: "\(id.name)-recovery") }

  /// The name under which clients in the cluster reach it.
  var host: String { "\(id.name).\(id.namespace).svc" }

  var labels: [String: String] {
    [
      "app.kubernetes.io/name": "tidemark", Self.componentLabel: Self.component,
      "app.kubernetes.io/managed-by": "tidemark", TidemarkLabel.instance: id.name,
    ]
  }

  func metadata(_ key: ObjectKey) -> ObjectMeta {
    ObjectMeta(name: key.name, namespace: key.namespace, labels: labels)
  }

  // MARK: The volume

  func claim(_ wish: InstanceWish) -> InstanceClaim {
    var spec: [String: JSONValue] = [
      "accessModes": ["ReadWriteOnce"],
      "resources": ["requests": ["storage": .string(Self.storage(wish).description)]],
    ]
    if let name = wish.template.storageClassName { spec["storageClassName"] = .string(name) }
    return InstanceClaim(metadata: metadata(key), spec: .object(spec))
  }

  /// The size that the template names, or room for twice the data: for its log, and to grow.
  private static func storage(_ wish: InstanceWish) -> Quantity {
    if let named = wish.template.storage { return named }
    let gibibyte: Int64 = 1 << 30
    let wanted = max(leastStorage, 2 * (wish.expectedBytes ?? 0))
    return Quantity(bytes: (wanted + gibibyte - 1) / gibibyte * gibibyte)
  }

  // MARK: Configuration and secrets

  func configuration(_ note: InstanceNote) throws -> ConfigMap {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return ConfigMap(
      metadata: metadata(key),
      data: [
        "pg_hba.conf": Self.accessRules, "pg_ident.conf": "",
        InstanceNote.field: String(decoding: try encoder.encode(note), as: UTF8.self),
      ])
  }

  /// Tidemark comes in by a certificate, into `template1`, as any role; whoever is in the pod through its socket; all
  /// others by password. `md5` takes passwords that are stored for SCRAM as well, and by SCRAM only.
  private static let accessRules = """
    # Written by Tidemark.
    local   all         all      trust
    local   replication all      trust
    hostssl template1   all all  cert
    host    all         all all  md5
    host    replication all all  md5

    """

  enum CertificateField {
    static let authority = "ca.crt"
    static let authorityKey = "ca.key"
    static let certificate = "tls.crt"
    static let key = "tls.key"
  }

  func certificates() throws -> Secret {
    // Not the server's own name: a certificate whose issuer is called as it is would be taken for its own authority.
    let authority = try InstanceAuthority.make(name: "Tidemark's authority for an instance")
    let server = try authority.issue(
      .server([host, "\(host).cluster.local", id.name]), name: id.name, lifetime: InstanceAuthority.lasting)
    return Secret(
      metadata: metadata(certificatesKey), type: "Opaque",
      data: [
        CertificateField.authority: Data(authority.identity.certificate),
        CertificateField.authorityKey: Data(authority.identity.key),
        CertificateField.certificate: Data(server.certificate), CertificateField.key: Data(server.key),
      ])
  }

  func archiveSecrets(_ secrets: [String: [UInt8]]) -> Secret {
    Secret(metadata: metadata(archiveKey), type: "Opaque", data: secrets.mapValues { Data($0) })
  }

  func service() -> Service {
    Service(
      metadata: metadata(key),
      spec: Service.Spec(
        selector: [TidemarkLabel.instance: id.name],
        ports: [
          Service.Port(
            name: Self.container, port: Self.port, targetPort: .string(Self.container), protocol: "TCP")
        ]))
  }
}
