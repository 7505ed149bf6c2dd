public import KubeModel
import TidemarkAPI

/// The resource that a run serves: whose reconciler is told when the run goes on.
public struct StepSubject: Sendable, Hashable {
  /// Whether the run goes with the resource.
  public enum Bond: Sendable, Hashable {
    /// Where the platform clears away after its resources, it clears the run away with this one.
    case owned
    /// The run has work to do while the resource is being deleted, and is not cleared away with it.
    case outlives
  }

  /// The resource's API version.
  public var apiVersion: String
  /// The resource's kind.
  public var kind: String
  /// The resource's name; its namespace is that of the run.
  public var name: String
  /// The one life of the resource that is served.
  public var uid: String
  /// Whether the run goes with it.
  public var bond: Bond

  /// The resource that these describe.
  public init(apiVersion: String, kind: String, name: String, uid: String, bond: Bond = .owned) {
    (self.apiVersion, self.kind, self.name, self.uid, self.bond) = (apiVersion, kind, name, uid, bond)
  }

  /// `resource`; nil before the server gave it a uid.
  public init?<R: KubeResource>(_ resource: R, bond: Bond = .owned) {
    guard let name = resource.metadata.name, let uid = resource.metadata.uid else { return nil }
    self.init(
      apiVersion: R.resource.apiVersion, kind: R.resource.kind, name: name, uid: uid, bond: bond)
  }

  /// As it stands in an annotation: `Kind/name/uid`.
  var mark: String { "\(kind)/\(name)/\(uid)" }

  /// The owner reference of what goes with the resource; nil where the run outlives it.
  ///
  /// Without `blockOwnerDeletion`, which would need the right to change the owner's finalizers.
  var ownerReference: OwnerReference? {
    guard bond == .owned else { return nil }
    return OwnerReference(apiVersion: apiVersion, kind: kind, name: name, uid: uid, controller: true)
  }
}

/// The one life of a resource that a run says it serves.
public struct ServedMark: Sendable, Hashable {
  /// The resource's kind.
  public let kind: String
  /// The resource.
  public let key: ObjectKey
  /// Its uid.
  public let uid: String

  /// What the annotation of `metadata` says; nil where there is none of the form `Kind/name/uid`.
  public init?(_ metadata: ObjectMeta) {
    let parts = (metadata.annotations[TidemarkAnnotation.serves] ?? "").split(
      separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
    kind = String(parts[0])
    key = ObjectKey(namespace: metadata.namespace, name: String(parts[1]))
    uid = String(parts[2])
  }
}
