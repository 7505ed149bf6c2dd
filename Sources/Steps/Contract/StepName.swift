/// A data operation that runs as its own process: `tidemark step NAME --input FILE`.
public enum StepName: String, Codable, Sendable, CaseIterable {
  /// A physical backup of a PostgreSQL server.
  case baseBackup = "base-backup"
  /// The streaming of a server's write-ahead log; runs until told to stop.
  case walReceive = "wal-receive"
  /// Preflight, and the restore of a base backup that an instance then recovers from.
  case restoreDatabase = "restore-database"
  /// A logical backup of one database.
  case dump
  /// The loading of a dump into a database of its own, which then takes its name.
  case importDump = "import"
  /// The objects of a bucket into a snapshot.
  case bucketBackup = "bucket-backup"
  /// The objects of a snapshot into a bucket.
  case bucketRestore = "bucket-restore"
  /// The files of volumes into a snapshot each.
  case volumeBackup = "volume-backup"
  /// The files of snapshots into volumes.
  case volumeRestore = "volume-restore"
  /// The removal of a snapshot.
  case forget
  /// A listing of what lies below a destination's prefix, and of the base backups there that nobody knows.
  case discover
}

/// How a step's process ends; the numbers are part of the command line's contract.
public enum StepExitCode: Int32, Sendable {
  /// Done; the result says with what.
  case done = 0
  /// Failed for good; the result says why.
  case failed = 1
  /// Failed for now: the same step may be run again.
  case tryAgain = 75
}
