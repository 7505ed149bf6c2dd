package import PostgresEngine
package import Repository

/// What there is to know of a logical backup besides its bytes: it stands in the snapshot's tags, as that of a base
/// backup does, and with another kind, so that neither is ever taken for the other.
///
/// Tags, each `tidemark:<name>=<value>`: `kind` is `dump`, `format` is `custom`, then `server-version`, `logical-bytes`,
/// `added-bytes`, `stored-bytes` and `backup`, the uid of the Backup. The database's name, which may have a comma, at
/// which restic splits tags, is the file's.
package struct DumpRecord: Sendable, Equatable {
  /// The snapshot; nil before it is saved.
  package var snapshot: SnapshotID?
  /// The server that was dumped.
  package var serverVersion: PostgresVersion
  /// Bytes of the dump.
  package var logicalBytes: Int64
  /// Bytes that the repository did not have before.
  package var addedBytes: Int64
  /// What they took, compressed and sealed.
  package var storedBytes: Int64
  /// The uid of the Backup.
  package var backup: String

  package init(
    serverVersion: PostgresVersion, logicalBytes: Int64, addedBytes: Int64, storedBytes: Int64, backup: String
  ) {
    (self.serverVersion, self.logicalBytes) = (serverVersion, logicalBytes)
    (self.addedBytes, self.storedBytes, self.backup) = (addedBytes, storedBytes, backup)
  }

  /// Reads the tags; nil for a snapshot that is not a dump of ours.
  package init?(snapshot: Snapshot) {
    var values: [Substring: Substring] = [:]
    for tag in snapshot.tags where tag.hasPrefix(Self.prefix) {
      let parts = tag.dropFirst(Self.prefix.count).split(separator: "=", maxSplits: 1)
      if parts.count == 2 { values[parts[0]] = parts[1] }
    }
    func bytes(_ name: Substring) -> Int64? { values[name].flatMap { Int64($0) } }
    guard values["kind"] == "dump", let version = values["server-version"].flatMap({ PostgresVersion($0) }),
      let logical = bytes("logical-bytes"), let added = bytes("added-bytes"), let stored = bytes("stored-bytes"),
      let backup = values["backup"]
    else { return nil }
    self.init(
      serverVersion: version, logicalBytes: logical, addedBytes: added, storedBytes: stored, backup: String(backup))
    self.snapshot = snapshot.id
  }

  /// The snapshot's tags.
  package var tags: [String] {
    [
      "kind=dump", "format=custom", "server-version=\(serverVersion)", "logical-bytes=\(logicalBytes)",
      "added-bytes=\(addedBytes)", "stored-bytes=\(storedBytes)", "backup=\(backup)",
    ].map { Self.prefix + $0 }
  }

  private static let prefix = "tidemark:"
}
