/// What a backup takes, and where to: the part of its spec that an attempt begins with.
public struct BackupSubject: Codable, Sendable, Equatable {
  /// What is backed up.
  public var target: BackupTarget
  /// The destination, in the same namespace.
  public var destinationName: String
  /// How.
  public var method: BackupMethod
  /// How volumes are taken; nil: all of them, with all that is in them.
  public var volumes: VolumesSpec?

  /// What `spec` asks for, with its defaults filled in.
  public init(_ spec: BackupSpec) {
    (target, destinationName, method) = (spec.target, spec.destinationName, spec.effectiveMethod)
    volumes = spec.volumes
  }
}

extension Backup {
  /// What the Backup is of, and where it lies: as its first attempt began, or as the spec says where none has.
  ///
  /// A spec that is edited later changes neither where a retry writes nor where a deletion forgets.
  public var subject: BackupSubject { status?.begunWith ?? BackupSubject(spec) }
}
