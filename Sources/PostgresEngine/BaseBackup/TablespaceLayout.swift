package import NIOCore

/// Where tablespaces lie in a snapshot: as real directories, in place, under `pg_tblspc/<oid>`.
///
/// At the server, `pg_tblspc/<oid>` is a symbolic link to somewhere else, and a `tablespace_map` in the backup makes
/// recovery put such links back. A restore into another place must not write into the original's directories, and
/// `restic restore` knows nothing of maps. So the snapshot has neither links nor a map: each tablespace's files are
/// under `pg_tblspc/<oid>/` in the data directory, which is whole in itself.
///
/// PostgreSQL calls this an in-place tablespace, and takes it only with `allow_in_place_tablespaces = on` (otherwise
/// it stops when recovery becomes consistent). So the snapshot of a cluster with tablespaces has this setting as a
/// last line of `postgresql.auto.conf`, the one file that is not byte for byte the server's. `pg_verifybackup` passes
/// over that file, and finds all others in their places. Whoever wants a tablespace on another volume moves the
/// directory there while the server is stopped, and puts a link in its place. See docs/decisions/0005-tablespaces.md.
///
/// The backup is taken without the TABLESPACE_MAP option also because servers up to 15 would then leave in-place
/// tablespaces out: those of a cluster that was restored from such a snapshot.
package enum TablespaceLayout {
  /// The file that gets the setting.
  static let configurationFile = "postgresql.auto.conf"

  /// The setting's name.
  static let setting = "allow_in_place_tablespaces"

  /// The path in the snapshot of an archive's entry.
  static func path(of entry: String, in archive: BackupArchive) -> String {
    archive.prefix.isEmpty ? entry : entry.isEmpty ? archive.prefix : "\(archive.prefix)/\(entry)"
  }

  /// Whether the entry is a tablespace's link, for which the tablespace's own archive has the directory.
  static func isLink(_ entry: TarEntry) -> Bool {
    guard case .symlink = entry.kind else { return false }
    let parts = entry.path.split(separator: "/")
    return parts.count == 2 && parts[0] == "pg_tblspc" && UInt32(parts[1]) != nil
  }

  /// Whether a server of this version knows the setting, and replays the creation of a tablespace in place.
  ///
  /// 14.5 and 13.8 were the first minor releases of their majors that did; older ones take directories without it.
  static func isSettingKnown(to version: PostgresVersion) -> Bool {
    switch version.major {
    case 13: version >= PostgresVersion(number: 130_008)
    case 14: version >= PostgresVersion(number: 140_005)
    default: true
    }
  }

  /// The file's new end, whose setting wins over one before it; nil where it is on already, or where the server does not
  /// know it.
  package static func addition(to configuration: ByteBuffer, _ version: PostgresVersion) -> String? {
    let present = ConfigurationFile(parsing: String(buffer: configuration))[setting]
    guard isSettingKnown(to: version), !["on", "true", "yes", "1"].contains(present?.lowercased()) else { return nil }
    return "\n# Tidemark: this cluster's tablespaces are directories in pg_tblspc.\n\(setting) = on\n"
  }
}
