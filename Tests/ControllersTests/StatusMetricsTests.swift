import Controllers
import KubeModel
import Testing
import TidemarkAPI

@Suite("What the metrics say of statuses")
struct StatusMetricsTests {
  private static func read(
    databases: [Database] = [PlanValues.database()], backups: [Backup] = [], destinations: [BackupDestination] = [],
    schedules: [BackupSchedule] = []
  ) -> [String: Double] {
    let gauges = StatusMetrics.gauges(
      databases: databases, backups: backups, destinations: destinations, schedules: schedules)
    return Dictionary(
      uniqueKeysWithValues: gauges.map { gauge in
        let labels = gauge.labels.filter { $0.key != "namespace" }.map { "\($0.key)=\($0.value)" }.joined(
          separator: ",")
        #expect(gauge.labels["namespace"] == "demo")
        return ("\(gauge.name){\(labels)}", gauge.value)
      })
  }

  private static func completed(_ name: String, at seconds: Int64, _ change: (inout Backup) -> Void = { _ in })
    -> Backup
  {
    PlanValues.backup(name) {
      var status = BackupStatus()
      (status.phase, status.completedAt) = (.completed, Timestamp(secondsSince1970: seconds))
      $0.status = status
      change(&$0)
    }
  }

  @Test("the newest Completed Backup counts for its target, and none for a target that is gone")
  func lastSuccess() {
    let backups = [
      Self.completed("first", at: 100), Self.completed("second", at: 300), Self.completed("third", at: 200),
      Self.completed("failed", at: 400) { $0.status?.phase = .failed },
      Self.completed("of another", at: 500) { $0.spec.target = BackupTarget(database: "gone") },
      Self.completed("of a bucket", at: 600) {
        $0.spec.target.database = nil
        $0.spec.target.bucket = "photos"
      },
    ]
    let last = "tidemark_backup_last_success_timestamp_seconds"
    var values = Self.read(backups: backups).filter { $0.key.hasPrefix(last) }
    #expect(values == ["\(last){target=shop}": 300])
    let schedule = PlanValues.schedule { $0.spec.target = backups[5].spec.target }
    values = Self.read(backups: backups, schedules: [schedule]).filter { $0.key.hasPrefix(last) }
    #expect(values == ["\(last){target=shop}": 300, "\(last){target=Bucket/photos}": 600])
  }

  @Test("window and lag are those of the status; archiving that is off is not down")
  func databases() {
    let database = SwitchValues.database {
      $0.status?.recoveryWindow = RecoveryWindowStatus(
        earliest: MicroTime(microsecondsSince1970: 1_500_000), latest: MicroTime(microsecondsSince1970: 9_000_000))
      $0.status?.archiving?.lagBytes = 77
      $0.status?.archiving?.lagSeconds = 1.5
    }
    #expect(
      Self.read(databases: [database]) == [
        "tidemark_recovery_window_earliest_timestamp_seconds{database=shop}": 1.5,
        "tidemark_recovery_window_latest_timestamp_seconds{database=shop}": 9,
        "tidemark_archiving_up{database=shop}": 1, "tidemark_archive_lag_bytes{database=shop}": 77,
        "tidemark_archive_lag_seconds{database=shop}": 1.5,
      ])
    #expect(Self.read() == ["tidemark_archiving_up{database=shop}": 0])
    #expect(Self.read(databases: [PlanValues.database { $0.spec.pitr = nil }]).isEmpty)
    #expect(Self.read(databases: [PlanValues.database { $0.metadata.beginDeletion() }]).isEmpty)
  }

  @Test("a destination is ready or not, and says what it stores once that is known")
  func destinations() {
    let unwell = PlanValues.destination {
      $0.status?.conditions = [PlanValues.condition(ConditionType.ready, .false, "AccessDenied")]
      $0.status?.storedBytes = 12
    }
    #expect(
      Self.read(databases: [], destinations: [PlanValues.destination()]) == [
        "tidemark_destination_ready{destination=s3}": 1
      ])
    #expect(
      Self.read(databases: [], destinations: [unwell]) == [
        "tidemark_destination_ready{destination=s3}": 0, "tidemark_destination_stored_bytes{destination=s3}": 12,
      ])
  }
}
