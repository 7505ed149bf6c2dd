/// How a base backup is taken.
public struct BaseBackupOptions: Sendable {
  /// How the checkpoint with which a backup begins is written.
  public enum Checkpoint: String, Sendable, Codable, CaseIterable {
    /// At once, as fast as the disks can.
    case fast
    /// Over minutes, as checkpoints usually are, so that the server's users do not feel it.
    case spread
  }

  /// The incarnation that the server is.
  public var incarnation: IncarnationID
  /// The system identifier that the server must have; nil takes any.
  public var systemIdentifier: UInt64?
  /// What it is taken for, by which its snapshot is found again (`BaseBackupRecord.backup`): no commas.
  public var backup: String?
  /// The label in `backup_label`.
  public var label: String
  /// `fast` unless told otherwise: a backup that was asked for now begins now.
  public var checkpoint: Checkpoint
  /// Bytes of the pieces that relation files are cut in: a multiple of 8 KiB.
  ///
  /// 256 KiB unless told otherwise. Measured on a pgbench cluster of 1.5 GB, MB stored by a first backup, and by one
  /// after single rows on 1.6 % of the pages were changed, with pieces of 128, 256, 512 and 1,024 KiB: 76, 72, 70, 69,
  /// then 40, 50, 58, 64. Halving the piece doubles the index, which restic holds in memory: below 256 KiB a terabyte
  /// would need more than four million entries.
  public var pieceBytes: Int
  /// The host in the snapshot; the server's address unless told otherwise.
  public var hostname: String?
  /// Tags of the snapshot beside those of the record. Must not contain commas.
  public var tags: [String]

  public init(
    incarnation: IncarnationID, systemIdentifier: UInt64? = nil, backup: String? = nil, label: String = "tidemark",
    checkpoint: Checkpoint = .fast, pieceBytes: Int = 256 << 10, hostname: String? = nil, tags: [String] = []
  ) {
    (self.incarnation, self.systemIdentifier, self.backup) = (incarnation, systemIdentifier, backup)
    self.label = label
    (self.checkpoint, self.pieceBytes, self.hostname, self.tags) = (checkpoint, pieceBytes, hostname, tags)
  }
}

extension ReplicationConnection {
  /// Starts BASE_BACKUP.
  ///
  /// The WAL that makes the backup consistent comes with it, and the server does not wait until that WAL was archived,
  /// as another archive than ours may be broken. No `tablespace_map`: see ``TablespaceLayout``. CRC-32C in the manifest
  /// rather than SHA-256: it costs the server a quarter of the CPU time, and our repository names every piece by its
  /// SHA-256 anyway.
  func baseBackup(_ options: BaseBackupOptions, readAhead: Int) -> CommandChannel {
    stream(baseBackupCommand(options), readAhead: readAhead, during: "taking a base backup")
  }

  private func baseBackupCommand(_ options: BaseBackupOptions) -> String {
    let label = literal(options.label)
    guard serverVersion.major >= 15 else {
      let fast = options.checkpoint == .fast ? " FAST" : ""
      return "BASE_BACKUP LABEL \(label) PROGRESS\(fast) WAL NOWAIT MANIFEST 'yes' MANIFEST_CHECKSUMS 'CRC32C'"
    }
    return "BASE_BACKUP (LABEL \(label), PROGRESS true, CHECKPOINT '\(options.checkpoint.rawValue)', WAL true, "
      + "WAIT false, MANIFEST 'yes', MANIFEST_CHECKSUMS 'CRC32C', TARGET 'client')"
  }
}
