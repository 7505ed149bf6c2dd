public import KubeModel

/// What to list.
public struct ListOptions: Sendable, Hashable {
  /// A label selector, for example `app=web,tier!=cache`.
  public var labelSelector: String?
  /// A field selector, for example `metadata.name=x`.
  public var fieldSelector: String?
  /// How many objects a page holds at most; nil asks for all at once.
  public var limit: Int?
  /// The token of the page before; nil starts at the beginning.
  public var continueToken: String?
  /// nil reads what is newest; `0` whatever the server's cache holds; another version not older than that.
  public var resourceVersion: String?

  /// What to list; nothing given lists all at once, as it is now.
  public init(
    labelSelector: String? = nil, fieldSelector: String? = nil, limit: Int? = nil, continueToken: String? = nil,
    resourceVersion: String? = nil
  ) {
    self.labelSelector = labelSelector
    self.fieldSelector = fieldSelector
    self.limit = limit
    self.continueToken = continueToken
    self.resourceVersion = resourceVersion
  }
}

/// What to watch, and for how long.
public struct WatchOptions: Sendable, Hashable {
  /// The version after which events are wanted: that of a list, of an object, or of a bookmark. nil starts with the
  /// objects that are there, as added.
  public var resourceVersion: String?
  /// A label selector.
  public var labelSelector: String?
  /// A field selector.
  public var fieldSelector: String?
  /// After how many seconds the server ends the watch, 1 to 600. Together with the client's idle bound this makes
  /// sure that no watch hangs on a dead connection for ever.
  public var timeoutSeconds: Int

  /// What to watch.
  public init(
    resourceVersion: String? = nil, labelSelector: String? = nil, fieldSelector: String? = nil,
    timeoutSeconds: Int = 300
  ) {
    self.resourceVersion = resourceVersion
    self.labelSelector = labelSelector
    self.fieldSelector = fieldSelector
    self.timeoutSeconds = timeoutSeconds
  }
}

/// How to delete, and on which condition.
public struct DeleteOptions: Sendable, Hashable {
  /// What happens to the objects that the deleted one owns.
  public enum Propagation: String, Sendable, Hashable, Codable {
    /// The object goes at once, and the garbage collector deletes what it owned afterwards.
    case background = "Background"
    /// What the object owns is deleted first.
    case foreground = "Foreground"
    /// What the object owned stays.
    case orphan = "Orphan"
  }

  /// Delete only this life of the object; another uid is a conflict.
  public var uid: String?
  /// Delete only this version of the object; another one is a conflict.
  public var resourceVersion: String?
  /// What happens to the objects that it owns; nil leaves it to the kind's default.
  public var propagation: Propagation?
  /// How many seconds a pod has to end; nil leaves it to the kind's default.
  public var gracePeriodSeconds: Int?

  /// How to delete; nothing given deletes whatever is there.
  public init(
    uid: String? = nil, resourceVersion: String? = nil, propagation: Propagation? = nil,
    gracePeriodSeconds: Int? = nil
  ) {
    self.uid = uid
    self.resourceVersion = resourceVersion
    self.propagation = propagation
    self.gracePeriodSeconds = gracePeriodSeconds
  }
}

/// What came of a deletion.
public enum DeleteOutcome<R: KubeResource>: Sendable {
  /// The object is gone.
  case deleted
  /// The object stays, marked, until its finalizers or pods are gone; or the server showed what it deleted.
  case accepted(R)
}

/// What to do when a field that is applied belongs to another field manager.
public enum ApplyConflicts: Sendable, Hashable {
  /// Fail with a conflict.
  case fail
  /// Take the field over.
  case force
}

/// A part of an object that has a path of its own.
public enum Subresource: String, Sendable, Hashable {
  /// What a controller reports.
  case status
  /// The number of replicas.
  case scale
  /// What the containers of a pod wrote; see ``KubeClient/log(of:container:tailLines:)``.
  case log
}
