public import Repository

/// What there is to know of a backup of files or objects besides its tree: it stands in the snapshot's tags, with a kind
/// of its own, so that it is never taken for a base backup or a dump.
///
/// Tags, each `tidemark:<name>=<value>`: `kind` is `volume` or `bucket`; `claim` of a volume, and `volumes`, how many
/// snapshots the Backup has in all; `files`, `logical-bytes`, `added-bytes`, `stored-bytes`; `changed`, how many were
/// not still while they were read; and `backup`, the uid of the Backup.
public struct FileRecord: Sendable, Hashable {
  /// What was backed up.
  public enum Subject: Sendable, Hashable {
    /// A volume by its claim, one of so many of the Backup.
    case volume(claim: String, of: Int)
    /// A bucket.
    case bucket
  }

  /// The snapshot; nil before it is saved.
  public var snapshot: SnapshotID?
  /// What was backed up.
  public var subject: Subject
  /// Files, or objects.
  public var files: Int64
  /// Bytes of them.
  public var logicalBytes: Int64
  /// Bytes that the repository did not have before.
  public var addedBytes: Int64
  /// What they took, compressed and sealed.
  public var storedBytes: Int64
  /// How many changed while they were read, or could not be read.
  public var changed: Int
  /// The uid of the Backup.
  public var backup: String

  /// A record of these facts.
  public init(
    subject: Subject, files: Int64, logicalBytes: Int64, addedBytes: Int64, storedBytes: Int64, changed: Int,
    backup: String
  ) {
    (self.subject, self.files, self.logicalBytes) = (subject, files, logicalBytes)
    (self.addedBytes, self.storedBytes, self.changed, self.backup) = (addedBytes, storedBytes, changed, backup)
  }

  private static let prefix = "tidemark:"

  /// Reads the tags; nil for a snapshot that is none of volumes or buckets.
  public init?(snapshot: Snapshot) {
    var values: [Substring: Substring] = [:]
    for tag in snapshot.tags where tag.hasPrefix(Self.prefix) {
      let parts = tag.dropFirst(Self.prefix.count).split(separator: "=", maxSplits: 1)
      if parts.count == 2 { values[parts[0]] = parts[1] }
    }
    func number(_ name: Substring) -> Int64? { values[name].flatMap { Int64($0) } }
    guard let files = number("files"), let logical = number("logical-bytes"), let added = number("added-bytes"),
      let stored = number("stored-bytes"), let backup = values["backup"]
    else { return nil }
    let subject: Subject
    switch values["kind"] {
    case "bucket": subject = .bucket
    case "volume":
      guard let claim = values["claim"], let count = number("volumes") else { return nil }
      subject = .volume(claim: String(claim), of: Int(count))
    default: return nil
    }
    self.init(
      subject: subject, files: files, logicalBytes: logical, addedBytes: added, storedBytes: stored,
      changed: Int(number("changed") ?? 0), backup: String(backup))
    self.snapshot = snapshot.id
  }

  /// The snapshot's tags.
  public var tags: [String] {
    var tags: [String]
    switch subject {
    case .bucket: tags = ["kind=bucket"]
    case .volume(let claim, let count): tags = ["kind=volume", "claim=\(claim)", "volumes=\(count)"]
    }
    tags += [
      "files=\(files)", "logical-bytes=\(logicalBytes)", "added-bytes=\(addedBytes)", "stored-bytes=\(storedBytes)",
      "changed=\(changed)", "backup=\(backup)",
    ]
    return tags.map { Self.prefix + $0 }
  }
}

extension Repository {
  /// What the snapshots say of backups of files and objects, the oldest first, with the snapshots themselves.
  public func fileRecords() async throws -> [(record: FileRecord, snapshot: Snapshot)] {
    try await snapshots().compactMap { snapshot in
      FileRecord(snapshot: snapshot).map { ($0, snapshot) }
    }
  }
}
