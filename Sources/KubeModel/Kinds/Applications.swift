/// A workload that runs pods of one template: what a backup of its volumes asks of it.
public protocol ApplicationWorkload: KubeStatusResource where Status == ApplicationWorkloadStatus {
  /// What it runs.
  var spec: ApplicationWorkloadSpec { get set }
}

/// The spec of a workload, trimmed to its replicas, its pods' labels and their volumes.
public struct ApplicationWorkloadSpec: Codable, Hashable, Sendable {
  /// Which pods are its own.
  public struct Selector: Codable, Hashable, Sendable {
    /// Labels that they have.
    public var matchLabels: [String: String]?
  }

  /// What a pod is made of.
  public struct Template: Codable, Hashable, Sendable {
    /// The pod's spec.
    public var spec: PodSpec?
  }

  /// A pod's volumes.
  public struct PodSpec: Codable, Hashable, Sendable {
    /// Its volumes.
    public var volumes: [Volume]?
  }

  /// One volume of a pod.
  public struct Volume: Codable, Hashable, Sendable {
    /// A claim.
    public struct Claim: Codable, Hashable, Sendable {
      /// The claim's name.
      public var claimName: String
    }

    /// The claim that it is; nil for volumes of other kinds.
    public var persistentVolumeClaim: Claim?
  }

  /// A claim that each pod of a StatefulSet has for itself.
  public struct ClaimTemplate: Codable, Hashable, Sendable {
    /// Its name is the beginning of the claims' names.
    public var metadata: ObjectMeta
  }

  /// How many pods there are to be; a DaemonSet has none.
  public var replicas: Int?
  /// Which pods are its own.
  public var selector: Selector?
  /// What they are made of.
  public var template: Template?
  /// The claims that each pod of a StatefulSet has for itself.
  public var volumeClaimTemplates: [ClaimTemplate]?
}

/// What a workload's controller reports.
public struct ApplicationWorkloadStatus: Codable, Hashable, Sendable {
  /// How many pods there are.
  public var replicas: Int?
}

/// A Deployment, as an application.
public struct DeploymentApplication: ApplicationWorkload, Hashable {
  public static let resource = ResourceDescription(
    group: "apps", version: "v1", kind: "Deployment", plural: "deployments")

  public var metadata: ObjectMeta
  public var spec: ApplicationWorkloadSpec
  public var status: ApplicationWorkloadStatus?
}

/// A StatefulSet, as an application.
public struct StatefulSetApplication: ApplicationWorkload, Hashable {
  public static let resource = ResourceDescription(
    group: "apps", version: "v1", kind: "StatefulSet", plural: "statefulsets")

  public var metadata: ObjectMeta
  public var spec: ApplicationWorkloadSpec
  public var status: ApplicationWorkloadStatus?
}

/// A DaemonSet, as an application.
public struct DaemonSetApplication: ApplicationWorkload, Hashable {
  public static let resource = ResourceDescription(
    group: "apps", version: "v1", kind: "DaemonSet", plural: "daemonsets")

  public var metadata: ObjectMeta
  public var spec: ApplicationWorkloadSpec
  public var status: ApplicationWorkloadStatus?
}
