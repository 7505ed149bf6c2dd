import KubeModel
import TidemarkAPI

extension JSONText {
  /// What every resource shows of itself.
  mutating func identity(_ metadata: ObjectMeta) {
    field("id", metadata.uid ?? "")
    field("name", metadata.name ?? "")
    field("namespace", metadata.namespace ?? "")
    field("created_at", metadata.creationTimestamp)
    field("resource_version", metadata.resourceVersion)
  }

  /// How a resource is, in one word and why: `Ready`, `Progressing`, `Stalled`, or `Pending` before anybody looked.
  mutating func health(_ conditions: [Condition]?) {
    let conditions = conditions ?? []
    let ready = conditions[type: ConditionType.ready]
    let state =
      ready == nil
      ? "Pending"
      : ready?.status == .true ? "Ready" : conditions.isTrue(ConditionType.stalled) ? "Stalled" : "Progressing"
    field("state", state)
    field("reason", ready?.reason)
    field("message", ready?.message)
  }

  /// Why something failed.
  mutating func failure(_ error: FailureStatus?) {
    guard let error else { return }
    field("error") { text in
      text.object { text in
        text.field("code", error.code)
        text.field("message", error.message)
      }
    }
  }

  /// How far a step is.
  mutating func progress(_ progress: StepProgress?) {
    guard let progress else { return }
    field("progress") { text in
      text.object { text in
        text.field("bytes_done", progress.bytesDone)
        text.field("bytes_total", progress.bytesTotal)
        text.field("files_done", progress.filesDone)
        text.field("percent", progress.percent)
        text.field("waiting_for", progress.waitingFor)
        text.field("updated_at", progress.updatedAt)
      }
    }
  }

  /// What is protected.
  mutating func target(_ target: BackupTarget) {
    field("database", target.database)
    field("bucket", target.bucket)
    guard let application = target.application else { return }
    field("application") { text in
      text.object { text in
        text.field("kind", application.kind)
        text.field("name", application.name)
      }
    }
  }

  /// A moment of a database.
  mutating func moment(_ moment: PointInTime) {
    field("target_time", moment.time)
    field("lsn", moment.lsn)
    field("xid", moment.xid)
    field("restore_point", moment.name)
    field("latest", moment.latest)
    field("incarnation", moment.incarnation)
  }

  /// A host and a port.
  mutating func endpoint(_ name: StaticString, _ endpoint: Endpoint?) {
    guard let endpoint else { return }
    field(name) { text in
      text.object { text in
        text.field("host", endpoint.host)
        text.field("port", endpoint.port)
      }
    }
  }

  /// The moment that a recovery reached.
  mutating func recovered(_ moment: RecoveredTo?) {
    guard let moment else { return }
    field("recovered_to") { text in
      text.object { text in
        text.field("time", moment.time)
        text.field("lsn", moment.lsn)
        text.field("timeline", moment.timeline)
      }
    }
  }
}
