import Foundation
public import TidemarkAPI

/// How a step ended, as it stands in the file of `--result`.
public enum StepResult: Codable, Sendable, Equatable {
  /// Done, with what it produced.
  case done(StepProduct)
  /// Failed for good.
  case failed(FailureStatus)
  /// Failed for now; running it again may help.
  case tryAgain(FailureStatus)

  /// The exit code of a process that ends so.
  public var exitCode: StepExitCode {
    switch self {
    case .done: .done
    case .failed: .failed
    case .tryAgain: .tryAgain
    }
  }

  /// Reads the file of `--result`; nil where there is none.
  ///
  /// Throws where the file is not a result: it is written whole or not at all.
  public static func read(from path: String) throws -> StepResult? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    return try JSONDecoder().decode(StepResult.self, from: Data(contentsOf: URL(filePath: path)))
  }

  /// Writes the file of `--result`, whole or not at all.
  public func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    try encoder.encode(self).write(to: URL(filePath: path), options: .atomic)
  }
}

/// What a step produced.
public enum StepProduct: Codable, Sendable, Equatable {
  /// A base backup.
  case baseBackup(BaseBackupProduct)
  /// A data directory, ready to be started.
  case restoredDatabase(RestoredDatabaseProduct)
  /// A logical backup.
  case dump(DumpProduct)
  /// A database that a dump was loaded into.
  case loadedDump(LoadedDump)
  /// A backup of files or objects.
  case files(FilesProduct)
  /// Files or objects that were restored.
  case restoredFiles(RestoredFiles)
  /// What lies below a destination's prefix.
  case discovered(DiscoveryProduct)
  /// Nothing but that it is done.
  case nothing
}

/// What `base-backup` produced.
public struct BaseBackupProduct: Codable, Sendable, Equatable {
  /// The restic snapshot's id.
  public var snapshot: String
  /// How large it is.
  public var size: BackupSize
  /// Its facts.
  public var postgres: PostgresBackupStatus

  /// The given product.
  public init(snapshot: String, size: BackupSize, postgres: PostgresBackupStatus) {
    (self.snapshot, self.size, self.postgres) = (snapshot, size, postgres)
  }
}

/// What `dump` produced.
public struct DumpProduct: Codable, Sendable, Equatable {
  /// The restic snapshot's id.
  public var snapshot: String
  /// How large it is.
  public var size: BackupSize

  /// The given product.
  public init(snapshot: String, size: BackupSize) { (self.snapshot, self.size) = (snapshot, size) }
}

/// What `restore-database` produced.
public struct RestoredDatabaseProduct: Codable, Sendable, Equatable {
  /// What the recovery is made of.
  public var preflight: PreflightStatus
  /// The incarnation that the new instance leaves.
  public var incarnation: String
  /// The timeline of it that the new instance leaves.
  public var timeline: UInt32
  /// The major version of the server that must run it.
  public var serverMajor: Int
  /// Bytes written.
  public var logicalBytes: Int64

  /// The given product.
  public init(preflight: PreflightStatus, incarnation: String, timeline: UInt32, serverMajor: Int, logicalBytes: Int64)
  {
    (self.preflight, self.incarnation, self.timeline) = (preflight, incarnation, timeline)
    (self.serverMajor, self.logicalBytes) = (serverMajor, logicalBytes)
  }
}

/// What `bucket-backup` and `volume-backup` produced.
public struct FilesProduct: Codable, Sendable, Equatable {
  /// A snapshot each: one of a bucket, one a volume.
  public var snapshots: [FilesSnapshot]
  /// How large all of it is.
  public var size: BackupSize
  /// What is not as it was: how much of it, and the first names.
  public var inconsistencies: FileInconsistencies

  /// The given product.
  public init(snapshots: [FilesSnapshot], size: BackupSize, inconsistencies: FileInconsistencies) {
    (self.snapshots, self.size, self.inconsistencies) = (snapshots, size, inconsistencies)
  }
}
