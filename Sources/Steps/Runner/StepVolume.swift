/// A volume that a run works on, besides its own scratch space.
public struct StepVolume: Codable, Sendable, Equatable {
  /// As whom a pod reads and writes it.
  public struct Owner: Codable, Sendable, Equatable {
    /// The user's number.
    public var uid: Int
    /// The group's number.
    public var gid: Int

    /// This user and group.
    public init(uid: Int, gid: Int) { (self.uid, self.gid) = (uid, gid) }
  }

  /// What the run may do with it.
  public enum Access: String, Codable, Sendable {
    /// It is only read.
    case readOnly
    /// It is read and written.
    case readWrite
  }

  /// The PersistentVolumeClaim, in the run's namespace.
  public var claim: String
  /// Where a pod mounts it.
  public var mountPath: String
  /// As whom; nil: as the step's own user, or as root where `access` and ownership of files want that.
  public var owner: Owner?
  /// What the run may do.
  public var access: Access
  /// The directory of the node that is the volume, where it is one (`hostPath` or `local`): what a run without pods
  /// works on. Nil for others.
  public var directory: String?
  /// The node that has it attached, where it can be attached to one at a time; nil: any.
  public var node: String?

  /// A volume for a run.
  public init(
    claim: String, mountPath: String, owner: Owner? = nil, access: Access = .readWrite, directory: String? = nil,
    node: String? = nil
  ) {
    (self.claim, self.mountPath, self.owner) = (claim, mountPath, owner)
    (self.access, self.directory, self.node) = (access, directory, node)
  }
}
