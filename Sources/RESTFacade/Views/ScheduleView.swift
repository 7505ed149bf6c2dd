import KubeModel
import TidemarkAPI

/// A BackupSchedule as the API shows it.
struct ScheduleView: JSONView {
  let schedule: BackupSchedule

  func write(to text: inout JSONText) {
    let (spec, status) = (schedule.spec, schedule.status)
    text.object { text in
      text.identity(schedule.metadata)
      text.target(spec.target)
      text.field("destination", spec.destinationName)
      text.field("cron_expression", spec.schedule)
      text.field("time_zone", spec.timeZone)
      text.field("enabled", !spec.suspend)
      text.field("method", spec.method)
      text.field("concurrency_policy", spec.concurrencyPolicy)
      text.field("deletion_policy", spec.deletionPolicy)
      text.field("retention_count", spec.retention?.count)
      if let retention = spec.retention { Self.write(retention, to: &text) }
      text.field("next_run", status?.nextRun)
      text.field("last_run", status?.lastRun)
      text.field("last_success", status?.lastSuccess)
      text.field("last_failure", status?.lastFailure)
      text.field("active", array: status?.active ?? []) { $1.string($0) }
      text.field("status") { text in text.object { $0.health(status?.conditions) } }
    }
  }

  private static func write(_ retention: RetentionPolicy, to text: inout JSONText) {
    text.field("retention") { text in
      text.object { text in
        text.field("count", retention.count)
        text.field("hourly", retention.hourly)
        text.field("daily", retention.daily)
        text.field("weekly", retention.weekly)
        text.field("monthly", retention.monthly)
        text.field("yearly", retention.yearly)
        text.field("within", retention.within?.description)
      }
    }
  }
}
