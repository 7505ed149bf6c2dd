/// The settings that a recovery writes into `postgresql.auto.conf` and that must not outlive it.
enum RecoverySettings {
  static let names = [
    "restore_command", "recovery_target", "recovery_target_time", "recovery_target_lsn", "recovery_target_xid",
    "recovery_target_name", "recovery_target_inclusive", "recovery_target_timeline", "recovery_target_action",
  ]
}
