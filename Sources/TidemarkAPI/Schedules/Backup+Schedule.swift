public import KubeModel

extension Backup {
  /// The slot that a BackupSchedule made it for; nil for others.
  public var slot: Timestamp? { metadata.annotations[TidemarkAnnotation.slot].flatMap { Timestamp($0) } }

  /// The Backup that `schedule` makes for `slot`: the same name for the same slot, so that it is made once.
  ///
  /// It has no owner: deleting a schedule leaves its Backups.
  public init(of schedule: BackupSchedule, for slot: Timestamp) {
    self.init(
      metadata: ObjectMeta(
        name: schedule.backupName(for: slot), namespace: schedule.metadata.namespace,
        labels: [
          TidemarkLabel.origin: BackupOrigin.schedule, TidemarkLabel.schedule: schedule.labelValue,
        ],
        annotations: [TidemarkAnnotation.slot: slot.description]),
      spec: schedule.spec.backupSpec)
  }
}

extension BackupSchedule {
  /// `<name>-<YYYYMMDDhhmm>`, in UTC; a name that would be too long for that is cut, and told apart by a digest.
  public func backupName(for slot: Timestamp) -> String {
    // 2026-01-31T06:15:00Z
    let digits = String(slot.description.filter(\.isNumber).prefix(12))
    return "\(Self.shortened(metadata.name ?? "", to: 253 - 13))-\(digits)"
  }

  /// What its Backups have as the label ``TidemarkLabel/schedule``: its name, cut to what a label may be.
  public var labelValue: String { Self.shortened(metadata.name ?? "", to: 63) }

  /// Whether `backup` is one of its runs: of a slot, or one that was asked for in its name, which has no slot.
  public func made(_ backup: Backup) -> Bool {
    backup.metadata.namespace == metadata.namespace && backup.metadata.labels[TidemarkLabel.schedule] == labelValue
      && backup.metadata.labels[TidemarkLabel.origin] == BackupOrigin.schedule
  }

  private static func shortened(_ name: String, to length: Int) -> String {
    guard name.utf8.count > length else { return name }
    let digest = String(StableHash.of(name), radix: 16)
    return "\(name.prefix(length - 17))-\(String(repeating: "0", count: 16 - digest.count))\(digest)"
  }
}
