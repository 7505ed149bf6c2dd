/// Makes a restored base backup ready to start: PostgreSQL will recover to the plan's target and promote.
///
/// What it does: removes what belonged to the old server's life (process files, replication slots, temporary state,
/// standby mode); writes `recovery.signal`; and in `postgresql.auto.conf`, which PostgreSQL reads last, sets the
/// recovery target, turns off archiving, streaming and waiting for standbys, and raises the settings that recovery must
/// not go below. Tablespaces that the log in the directory creates lose their path (`WALEdit`). Other settings made with
/// ALTER SYSTEM stay. A data directory whose configuration lay elsewhere (as
/// Debian's does) gets a `postgresql.conf` and a `pg_hba.conf`.
///
/// It can be repeated on the same directory, as long as PostgreSQL was not started on it.
public struct RecoveryPreparation: Sendable {
  private let plan: RecoveryPlan
  private let restoreCommand: String
  private let overrides: [(name: String, value: String)]

  /// A preparation for `plan`. `restoreCommand` is PostgreSQL's `restore_command`; `settings` are the new instance's
  /// own (port, socket directory, memory), and win over everything but what recovery needs.
  public init(plan: RecoveryPlan, restoreCommand: String, settings: [(name: String, value: String)] = []) {
    (self.plan, self.restoreCommand, overrides) = (plan, restoreCommand, settings)
  }

  /// Settings that tie a server to the old one's surroundings, or would change what recovery does.
  private static let neutral: [(name: String, value: String)] = [
    ("archive_mode", "off"), ("archive_command", ""), ("archive_cleanup_command", ""), ("recovery_end_command", ""),
    ("primary_conninfo", ""), ("primary_slot_name", ""), ("promote_trigger_file", ""),
    ("synchronous_standby_names", ""),
    ("recovery_target", ""), ("recovery_target_name", ""), ("recovery_target_time", ""), ("recovery_target_xid", ""),
    ("recovery_target_lsn", ""), ("recovery_min_apply_delay", "0"), ("external_pid_file", ""),
  ]

  private static let staleFiles = [
    "postmaster.pid", "postmaster.opts", "standby.signal", "current_logfiles", "backup_label.old",
    "tablespace_map.old", "recovery.conf", "recovery.done", "backup_manifest",
  ]

  private static let emptiedDirectories = [
    "pg_dynshmem", "pg_notify", "pg_replslot", "pg_serial", "pg_snapshots", "pg_stat_tmp", "pg_subtrans",
  ]

  private static let neededDirectories = [
    "pg_commit_ts", "pg_logical", "pg_logical/mappings", "pg_logical/snapshots", "pg_stat", "pg_tblspc", "pg_twophase",
    "pg_wal", "pg_wal/archive_status",
  ]

  /// Prepares `directory`, and returns what its control file says. Blocks: not for the cooperative threads.
  @discardableResult
  public func prepare(_ directory: String) throws -> ControlFile {
    let data = DataDirectory(path: directory)
    guard let version = try data.text("PG_VERSION").flatMap({ Int($0.trimmed) }) else {
      throw WALError(.dataDirectoryInvalid, "\(directory) has no PG_VERSION: it is no data directory of PostgreSQL")
    }
    guard data.exists("backup_label") else {
      throw WALError(
        .dataDirectoryInvalid,
        "\(directory) has no backup_label: it is no restored base backup, or PostgreSQL was started on it already. "
          + "Restore it again into an empty directory")
    }
    let control = try ControlFile(try data.read("global/pg_control"))
    for name in Self.staleFiles { try data.remove(name) }
    for name in Self.emptiedDirectories {
      try data.makeDirectory(name)
      try data.empty(name)
    }
    for name in Self.neededDirectories { try data.makeDirectory(name) }
    let log = OwnLog(data: data, base: plan.base)
    let edits = try log.editsOfTablespaces()
    try log.apply(edits)
    try configure(data, control, version, tablespaces: edits.isEmpty && plan.edits.isEmpty ? .none : .created)
    try data.write("recovery.signal", "")
    return control
  }

  /// Whether replay makes tablespaces, which are directories in `pg_tblspc` then.
  private enum ReplayedTablespaces { case none, created }

  private func configure(
    _ data: DataDirectory, _ control: ControlFile, _ version: Int, tablespaces: ReplayedTablespaces
  ) throws {
    let own = ConfigurationFile(parsing: try data.text("postgresql.conf") ?? "")
    var automatic = ConfigurationFile(parsing: try data.text("postgresql.auto.conf") ?? "")
    let required = plan.parameters.map { control.parameters.raised(to: $0) } ?? control.parameters
    for (name, value) in Self.neutral where version < 16 || name != "promote_trigger_file" {
      automatic.set(name, value)
    }
    if version >= 15 { automatic.set("archive_library", "") }
    if tablespaces == .created { automatic.set(TablespaceLayout.setting, "on") }
    automatic.set("hot_standby", "on")
    for (name, value) in overrides { automatic.set(name, value) }
    for (name, minimum) in required.settings {
      let present = (automatic[name] ?? own[name]).flatMap { Int32($0) }
      automatic.set(name, String(max(minimum, present ?? minimum)))
    }
    // Log that the archive has beyond the base backup's own is of no use then, and must not be asked for.
    automatic.set("restore_command", plan.stop == .consistency ? "exit 1" : restoreCommand)
    for (name, value) in plan.settings { automatic.set(name, value) }
    try supplyFiles(data)
    try data.write("postgresql.auto.conf", "# Written by Tidemark for a recovery.\n" + automatic.text)
  }

  /// Where a server looks for its files, when it is not the data directory: places of the old machine.
  private static let places: Set<String> = ["data_directory", "hba_file", "ident_file", "external_pid_file"]

  /// The files that a data directory must have, where the old server kept them elsewhere.
  private func supplyFiles(_ data: DataDirectory) throws {
    if let text = try data.text("postgresql.conf") {
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      let isPlace = lines.map { line in
        ConfigurationFile(parsing: line).settings.contains { Self.places.contains($0.name) }
      }
      if isPlace.contains(true) {
        let kept = zip(lines, isPlace).map { line, isPlace in isPlace ? "# not after a restore: \(line)" : String(line)
        }
        try data.write("postgresql.conf", kept.joined(separator: "\n"))
      }
    } else {
      try data.write("postgresql.conf", "# The old server's configuration was not in its data directory.\n")
    }
    if !data.exists("pg_hba.conf") { try data.write("pg_hba.conf", Self.accessRules) }
    if !data.exists("pg_ident.conf") { try data.write("pg_ident.conf", "") }
  }

  /// Passwords from everywhere, and the owner of the server process without one on this machine.
  private static let accessRules = """
    local all         all      peer
    local replication all      peer
    host  all         all  all scram-sha-256
    host  replication all  all scram-sha-256

    """
}
