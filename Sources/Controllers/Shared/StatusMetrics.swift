import KubeModel
import KubeRuntime
package import TidemarkAPI

/// A value that `/metrics` shows.
public struct StatusGauge: Sendable, Equatable {
  /// The metric's name.
  public var name: String
  /// By label.
  public var labels: [String: String]
  /// In the unit that the name ends with.
  public var value: Double
}

/// What the caches say of backups, archives and destinations, read whenever it is asked for: the metrics are as true as
/// the statuses, also right after a start.
public struct StatusMetrics: Sendable {
  private let stores: Stores

  /// The metrics of what `environment` watches.
  public init(_ environment: ControllerEnvironment) { stores = environment.stores }

  /// All values now.
  public func read() -> [StatusGauge] {
    Self.gauges(
      databases: stores.databases.snapshot.all, backups: stores.backups.snapshot.all,
      destinations: stores.destinations.snapshot.all, schedules: stores.schedules.snapshot.all)
  }

  package static func gauges(
    databases: some Sequence<Database>, backups: some Sequence<Backup>, destinations: some Sequence<BackupDestination>,
    schedules: some Sequence<BackupSchedule>
  ) -> [StatusGauge] {
    let databases = databases.filter { !$0.metadata.isDeleting }
    return lastSuccesses(backups, of: targets(databases, schedules)) + databases.flatMap(gauges(of:))
      + destinations.filter { !$0.metadata.isDeleting }.flatMap(gauges(of:))
  }

  // MARK: Backups

  private struct Target: Hashable {
    var namespace: String
    var name: String

    var labels: [String: String] { ["namespace": namespace, "target": name] }
  }

  /// What is protected now: Databases, and what schedules name. A Backup that outlived its target never gets younger.
  private static func targets(_ databases: [Database], _ schedules: some Sequence<BackupSchedule>) -> Set<Target> {
    let named = databases.map { Target(namespace: $0.metadata.namespace ?? "", name: $0.metadata.name ?? "") }
    let scheduled = schedules.filter { !$0.metadata.isDeleting && $0.spec.target.database == nil }
      .compactMap { schedule in
        schedule.spec.target.label.map { Target(namespace: schedule.metadata.namespace ?? "", name: $0) }
      }
    return Set(named + scheduled)
  }

  private static func lastSuccesses(_ backups: some Sequence<Backup>, of targets: Set<Target>) -> [StatusGauge] {
    var newest: [Target: Int64] = [:]
    for backup in backups where backup.status?.phase == .completed {
      guard let name = backup.subject.target.label, let ended = backup.status?.completedAt?.secondsSince1970 else {
        continue
      }
      newest[Target(namespace: backup.metadata.namespace ?? "", name: name), default: .min].raise(to: ended)
    }
    return newest.filter { targets.contains($0.key) }.map { target, ended in
      StatusGauge(
        name: "tidemark_backup_last_success_timestamp_seconds", labels: target.labels, value: Double(ended))
    }
  }

  // MARK: Databases

  private static func gauges(of database: Database) -> [StatusGauge] {
    let labels = ["namespace": database.metadata.namespace ?? "", "database": database.metadata.name ?? ""]
    let (window, archiving) = (database.status?.recoveryWindow, database.status?.archiving)
    var values: [(String, Double?)] = [
      ("tidemark_recovery_window_earliest_timestamp_seconds", window?.earliest?.seconds),
      ("tidemark_recovery_window_latest_timestamp_seconds", window?.latest?.seconds),
    ]
    if database.archives {
      let isUp = database.status?.conditions?.isTrue(ConditionType.archiving) == true
      values += [
        ("tidemark_archiving_up", isUp ? 1 : 0),
        ("tidemark_archive_lag_bytes", archiving?.lagBytes.map { Double($0) }),
        ("tidemark_archive_lag_seconds", archiving?.lagSeconds),
      ]
    }
    return values.compactMap { name, value in value.map { StatusGauge(name: name, labels: labels, value: $0) } }
  }

  // MARK: Destinations

  private static func gauges(of destination: BackupDestination) -> [StatusGauge] {
    let labels = ["namespace": destination.metadata.namespace ?? "", "destination": destination.metadata.name ?? ""]
    let isReady = destination.status?.conditions?.isTrue(ConditionType.ready) == true
    var gauges = [StatusGauge(name: "tidemark_destination_ready", labels: labels, value: isReady ? 1 : 0)]
    if let bytes = destination.status?.storedBytes {
      gauges.append(StatusGauge(name: "tidemark_destination_stored_bytes", labels: labels, value: Double(bytes)))
    }
    return gauges
  }
}

extension BackupTarget {
  /// What it is called in metrics: a Database by its name, others with their kind.
  fileprivate var label: String? {
    database ?? application.map { "\($0.kind)/\($0.name)" } ?? bucket.map { "Bucket/\($0)" }
  }
}

extension Int64 {
  fileprivate mutating func raise(to other: Int64) { self = Swift.max(self, other) }
}

extension MicroTime {
  /// Seconds since 1970.
  fileprivate var seconds: Double { Double(microsecondsSince1970) / 1_000_000 }
}
