/// A kind of object that the Kubernetes API serves.
///
/// A conforming type declares only the fields that we touch: what else the server sends is dropped when decoding, so
/// that caches stay small. It follows that a trimmed kind must be changed by apply or patch, never by replace.
/// `apiVersion` and `kind` are not fields: the client writes them from `resource`.
public protocol KubeResource: Codable, Sendable {
  /// Where the kind lives in the API.
  static var resource: ResourceDescription { get }
  /// Name, namespace, labels and what the server keeps about the object.
  var metadata: ObjectMeta { get set }
}

/// A kind with a status subresource.
public protocol KubeStatusResource: KubeResource {
  /// What the controller reports.
  associatedtype Status: Codable & Sendable
  /// The reported status; nil until something reported one.
  var status: Status? { get set }
}

extension KubeResource {
  /// Namespace and name, which identify the object among those of its kind.
  public var key: ObjectKey { metadata.key }

  /// A reference for `ownerReferences` of objects that this one owns; nil before the server gave it a uid.
  ///
  /// With `controller`, garbage collection and `kubectl` take this object as the managing one.
  public func ownerReference(_ role: OwnerReference.Role = .controller) -> OwnerReference? {
    guard let uid = metadata.uid, let name = metadata.name else { return nil }
    return OwnerReference(
      apiVersion: Self.resource.apiVersion, kind: Self.resource.kind, name: name, uid: uid,
      controller: role == .controller ? true : nil, blockOwnerDeletion: role == .controller ? true : nil)
  }

  /// A reference for events about this object.
  public var objectReference: ObjectReference {
    ObjectReference(
      apiVersion: Self.resource.apiVersion, kind: Self.resource.kind, namespace: metadata.namespace,
      name: metadata.name, uid: metadata.uid, resourceVersion: metadata.resourceVersion)
  }
}
