import KubeModel
import TidemarkAPI

/// A RestoreRequest as the API shows it.
struct RestoreView: JSONView {
  let request: RestoreRequest

  func write(to text: inout JSONText) {
    let (spec, status) = (request.spec, request.status)
    text.object { text in
      text.identity(request.metadata)
      text.field("kind", "restore")
      text.field("status", status?.phase ?? .pending)
      text.field("database", request.databaseName)
      if let target = status?.filesTarget ?? spec.target, target.database == nil { text.target(target) }
      if let files = status?.files { Self.write(files, to: &text) }
      text.field("source") { text in text.object { Self.write(request.source, to: &$0) } }
      text.field("strategy", spec.strategy)
      text.field("switch_over", spec.switchOver)
      text.field("switch_requested", spec.switchRequested)
      text.field("switching", status?.switching?.direction)
      text.field("started_at", status?.startedAt)
      text.field("restored_at", status?.restoredAt)
      text.field("completed_at", status?.completedAt)
      text.field("attempts", status?.attempts)
      text.progress(status?.progress)
      text.field("instance", status?.instance?.name)
      text.endpoint("endpoint", status?.instance?.endpoint)
      text.endpoint("previous_endpoint", status?.previousInstance?.endpoint)
      text.recovered(status?.recoveredTo)
      if let loaded = status?.loaded {
        text.field("loaded_into", loaded.database)
        text.field("previous_kept_as", loaded.keptAs)
      }
      text.failure(status?.error)
    }
  }

  private static func write(_ files: RestoredFiles, to text: inout JSONText) {
    text.field("files") { text in
      text.object { text in
        text.field("written", files.written)
        text.field("written_bytes", files.writtenBytes)
        text.field("unchanged", files.unchanged)
        text.field("deleted", files.deleted)
      }
    }
  }

  private static func write(_ source: RestoreSource, to text: inout JSONText) {
    text.field("backup", source.backupName)
    if let moment = source.pointInTime {
      text.field("database", moment.database)
      text.moment(moment.moment)
    }
    text.field("destination", source.path?.destinationName)
    text.field("path", source.path?.key)
    text.field("format", source.path?.format)
    text.field("snapshot", source.path?.snapshot)
  }
}

extension RestoreRequest {
  /// The Database that is restored, as far as the request itself says.
  var databaseName: String? { status?.database ?? spec.target?.database ?? spec.source.pointInTime?.database }
}

/// A PITRClone as the API shows it.
struct CloneView: JSONView {
  let clone: PITRClone

  func write(to text: inout JSONText) {
    let (spec, status) = (clone.spec, clone.status)
    text.object { text in
      text.identity(clone.metadata)
      text.field("kind", "clone")
      text.field("status", status?.phase ?? .pending)
      text.field("database", spec.database)
      text.field("new_name", spec.newName)
      text.field("source") { text in text.object { $0.moment(spec.pointInTime) } }
      text.field("started_at", status?.startedAt)
      text.field("completed_at", status?.completedAt)
      text.field("attempts", status?.attempts)
      text.progress(status?.progress)
      text.field("clone", status?.clone)
      text.endpoint("endpoint", status?.endpoint)
      text.recovered(status?.recoveredTo)
      text.failure(status?.error)
    }
  }
}
