/// An owner of an object: when the owner goes, the garbage collector deletes the object.
public struct OwnerReference: Codable, Hashable, Sendable {
  /// What an owner is to the objects that it owns.
  public enum Role: Hashable, Sendable {
    /// The one that manages the object; there is at most one.
    case controller
    /// One of several owners.
    case owner
  }

  /// The owner's API version.
  public var apiVersion: String
  /// The owner's kind.
  public var kind: String
  /// The owner's name; it lives in the same namespace, or in none.
  public var name: String
  /// The owner's uid.
  public var uid: String
  /// True for the managing owner.
  public var controller: Bool?
  /// True where foreground deletion of the owner waits for this object.
  public var blockOwnerDeletion: Bool?

  /// A reference to the owner named.
  public init(
    apiVersion: String, kind: String, name: String, uid: String, controller: Bool? = nil,
    blockOwnerDeletion: Bool? = nil
  ) {
    self.apiVersion = apiVersion
    self.kind = kind
    self.name = name
    self.uid = uid
    self.controller = controller
    self.blockOwnerDeletion = blockOwnerDeletion
  }
}

/// A reference to any object, as events carry it.
public struct ObjectReference: Codable, Hashable, Sendable {
  /// The object's API version.
  public var apiVersion: String?
  /// The object's kind.
  public var kind: String?
  /// The object's namespace.
  public var namespace: String?
  /// The object's name.
  public var name: String?
  /// The object's uid.
  public var uid: String?
  /// The version of the object that is meant.
  public var resourceVersion: String?
  /// A part of the object, for example `spec.containers{web}`.
  public var fieldPath: String?

  /// A reference to the object named.
  public init(
    apiVersion: String? = nil, kind: String? = nil, namespace: String? = nil, name: String? = nil, uid: String? = nil,
    resourceVersion: String? = nil, fieldPath: String? = nil
  ) {
    self.apiVersion = apiVersion
    self.kind = kind
    self.namespace = namespace
    self.name = name
    self.uid = uid
    self.resourceVersion = resourceVersion
    self.fieldPath = fieldPath
  }
}
