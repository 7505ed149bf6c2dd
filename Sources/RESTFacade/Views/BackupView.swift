import KubeModel
import TidemarkAPI

/// A Backup as the API shows it.
struct BackupView: JSONView {
  let backup: Backup

  func write(to text: inout JSONText) {
    let (spec, status) = (backup.spec, backup.status)
    text.object { text in
      text.identity(backup.metadata)
      text.target(spec.target)
      text.field("destination", spec.destinationName)
      text.field("method", spec.effectiveMethod)
      text.field("deletion_policy", spec.deletionPolicy)
      text.field("origin", backup.metadata.labels[TidemarkLabel.origin])
      text.field("schedule", backup.metadata.labels[TidemarkLabel.schedule])
      text.field("status", backup.metadata.isDeleting ? .deleting : status?.phase ?? .pending)
      text.field("started_at", status?.startedAt)
      text.field("completed_at", status?.completedAt)
      text.field("attempts", status?.attempts)
      text.field("snapshot", status?.snapshot)
      if let snapshots = status?.snapshots { Self.write(snapshots, to: &text) }
      if let consistent = status?.conditions?[type: ConditionType.consistent] {
        text.field("consistent", consistent.status == .true)
        if consistent.status != .true { text.field("inconsistencies", consistent.message) }
      }
      if let size = status?.size {
        text.field("size") { text in
          text.object { text in
            text.field("logical_bytes", size.logical)
            text.field("added_bytes", size.added)
            text.field("stored_bytes", size.stored)
          }
        }
      }
      text.progress(status?.progress)
      if let postgres = status?.postgres { Self.write(postgres, to: &text) }
      text.failure(status?.error)
    }
  }

  private static func write(_ snapshots: [FilesSnapshot], to text: inout JSONText) {
    text.field("snapshots", array: snapshots) { snapshot, text in
      text.object { text in
        text.field("claim", snapshot.claim)
        text.field("snapshot", snapshot.snapshot)
        text.field("files", snapshot.files)
        text.field("bytes", snapshot.bytes)
      }
    }
  }

  private static func write(_ postgres: PostgresBackupStatus, to text: inout JSONText) {
    text.field("postgres") { text in
      text.object { text in
        text.field("incarnation", postgres.incarnation)
        text.field("timeline", postgres.timeline)
        text.field("start_lsn", postgres.startLSN)
        text.field("stop_lsn", postgres.stopLSN)
        text.field("start_time", postgres.startTime)
        text.field("stop_time", postgres.stopTime)
        text.field("system_identifier", postgres.systemIdentifier)
        text.field("server_version", postgres.serverVersion)
      }
    }
  }
}
