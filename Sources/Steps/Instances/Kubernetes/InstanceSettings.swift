public import KubeModel

/// What the pods of instances have in common.
public struct InstanceSettings: Sendable {
  /// The image with this program, of which a copy serves `restore_command`.
  public var programImage: String
  /// When images are pulled; nil: as Kubernetes does by default.
  public var imagePullPolicy: String?
  /// The image of PostgreSQL's servers, before `:` and the major version, where a template names none.
  public var serverRepository: String
  /// Fields of the pods' spec that a cluster wants: `nodeSelector`, `tolerations`, `affinity`, `imagePullSecrets`,
  /// `priorityClassName`, `topologySpreadConstraints`, `schedulerName`. Other fields are left out.
  public var podSpec: JSONValue?

  /// The fields of ``podSpec`` that are taken.
  static let podFields = [
    "nodeSelector", "tolerations", "affinity", "imagePullSecrets", "priorityClassName", "topologySpreadConstraints",
    "schedulerName",
  ]

  /// Settings with Docker's official image of PostgreSQL.
  public init(programImage: String, imagePullPolicy: String? = nil, podSpec: JSONValue? = nil) {
    (self.programImage, self.imagePullPolicy, self.podSpec) = (programImage, imagePullPolicy, podSpec)
    serverRepository = "postgres"
  }
}

/// What is written down of an instance, in its ConfigMap: all that it needs to be started again.
struct InstanceNote: Codable, Equatable {
  /// The name of the Database that it belongs to, in its own namespace.
  var database: String
  /// The image that its template names.
  var image: String?
  /// The resources that its template names.
  var resources: JSONValue?

  /// The field of the ConfigMap.
  static let field = "instance.json"
}

/// A PersistentVolumeClaim, of which we write the spec and read whether it is there.
struct InstanceClaim: KubeResource {
  static let resource = ResourceDescription(
    group: "", version: "v1", kind: "PersistentVolumeClaim", plural: "persistentvolumeclaims")

  var metadata: ObjectMeta
  var spec: JSONValue?
}
