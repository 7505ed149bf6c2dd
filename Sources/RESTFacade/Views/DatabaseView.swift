import KubeModel
import TidemarkAPI

/// A Database as the API shows it.
struct DatabaseView: JSONView {
  let database: Database

  func write(to text: inout JSONText) {
    let (spec, status) = (database.spec, database.status)
    text.object { text in
      text.identity(database.metadata)
      text.field("engine", spec.engine)
      text.endpoint("endpoint", database.liveEndpoint)
      text.field("database", spec.connection.database)
      text.field("server_version", status?.serverVersion)
      text.field("pitr_enabled", spec.pitr?.enabled ?? false)
      text.field("destination", spec.pitr?.destinationName)
      text.field("active_incarnation", status?.activeIncarnation)
      text.field("last_backup", status?.lastBackup)
      text.field("status") { text in
        text.object { text in
          text.health(status?.conditions)
          text.field("archiving", status?.conditions?[type: ConditionType.archiving]?.reason)
        }
      }
    }
  }
}

/// What can be recovered of a Database.
struct RecoveryWindowView: JSONView {
  let database: Database

  func write(to text: inout JSONText) {
    let window = database.status?.recoveryWindow
    let archiving = database.status?.archiving
    text.object { text in
      text.field("database_id", database.metadata.uid)
      text.field("earliest", window?.earliest)
      text.field("latest", window?.latest)
      text.field("latest_lsn", window?.latestLSN)
      text.field("gaps", array: window?.gaps ?? []) { gap, text in
        text.object { text in
          text.field("from", gap.from)
          text.field("to", gap.to)
          text.field("reason", gap.reason)
        }
      }
      text.field("lag_bytes", archiving?.lagBytes)
      text.field("lag_seconds", archiving?.lagSeconds)
    }
  }
}

extension Database {
  /// Why `time` cannot be recovered, with what can be; nil where it can.
  func refusal(of time: MicroTime) -> String? {
    guard let window = status?.recoveryWindow, let earliest = window.earliest, let latest = window.latest else {
      return "nothing can be recovered yet: the recovery window begins with the first completed base backup"
    }
    let gaps = window.gaps ?? []
    let span = "the recovery window is \(earliest) to \(latest)"
    let except = gaps.isEmpty ? "" : ", but for " + gaps.map(Self.text).joined(separator: ", ")
    if time < earliest || time > latest { return "is outside the recovery window; \(span)\(except)" }
    let isLost = gaps.contains { gap in time > gap.from && (gap.to.map { time < $0 } ?? true) }
    return isLost ? "lies in a gap of the recovery window; \(span)\(except)" : nil
  }

  private static func text(_ gap: RecoveryGapStatus) -> String {
    "\(gap.from) to \(gap.to?.description ?? "now") (\(gap.reason))"
  }
}
