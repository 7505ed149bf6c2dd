package import PostgresEngine
package import Repository

/// What there is to know of a logical backup besides its bytes: it stands in the snapshot's tags, as that of a base
/// backup does, and with another kind, so that neither is ever taken for the other.
///
/// Tags, each `tidemark:<name>=<value>`: `kind` is `dump`, `format` is `custom`, then `server-version` and
/// `logical-bytes`. The database's name, which may have a comma, at which restic splits tags, is the file's.
package struct DumpRecord: Sendable, Equatable {
  /// The server that was dumped.
  package var serverVersion: PostgresVersion
  /// Bytes of the dump.
  package var logicalBytes: Int64

  package init(serverVersion: PostgresVersion, logicalBytes: Int64) {
    (self.serverVersion, self.logicalBytes) = (serverVersion, logicalBytes)
  }

  /// Reads the tags; nil for a snapshot that is not a dump of ours.
  package init?(snapshot: Snapshot) {
    var values: [Substring: Substring] = [:]
    for tag in snapshot.tags where tag.hasPrefix(Self.prefix) {
      let parts = tag.dropFirst(Self.prefix.count).split(separator: "=", maxSplits: 1)
      if parts.count == 2 { values[parts[0]] = parts[1] }
    }
    guard values["kind"] == "dump", let version = values["server-version"].flatMap({ PostgresVersion($0) }),
      let bytes = values["logical-bytes"].flatMap({ Int64($0) })
    else { return nil }
    self.init(serverVersion: version, logicalBytes: bytes)
  }

  /// The snapshot's tags.
  package var tags: [String] {
    ["kind=dump", "format=custom", "server-version=\(serverVersion)", "logical-bytes=\(logicalBytes)"]
      .map { Self.prefix + $0 }
  }

  private static let prefix = "tidemark:"
}
