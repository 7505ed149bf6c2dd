import Controllers
import KubeModel
import Steps
import TidemarkAPI

/// The values of a switch: Database `shop`, whose server is to be left for the restored instance of RestoreRequest
/// `undo`.
enum SwitchValues {
  static let restored = DatabaseInstance(
    name: "restore-uid-of-undo", serverMajor: 15, endpoint: Endpoint(host: "127.0.0.1", port: 5433),
    incarnation: "restore-uid-of-undo", origin: "{}")
  /// The server of the spec.
  static let original = PlanValues.database().liveInstance
  static let quiet = Fence.View(endOfLog: "0/5000000")
  static let crowded = Fence.View(openDatabases: ["postgres", "shop"], idleClients: 2, busyClients: 1)

  /// `shop`, archived, with its clients on `live`.
  static func database(on live: DatabaseInstance = original, _ change: (inout Database) -> Void = { _ in }) -> Database
  {
    PlanValues.database {
      $0.liveInstance = live
      var status = DatabaseStatus()
      status.systemIdentifier = "7"
      status.endpoint = $0.liveEndpoint
      status.activeIncarnation = live.incarnation ?? "root-0000000000000007"
      status.conditions = [PlanValues.condition(ConditionType.archiving, .true, Reason.streaming)]
      var archiving = ArchivingStatus()
      archiving.lastLSN = "0/5000000"
      status.archiving = archiving
      $0.status = status
      change(&$0)
    }
  }

  /// `undo`, whose instance is restored.
  static func restore(
    _ phase: RestorePhase = .readyToSwitch, wants: Bool = true, _ change: (inout RestoreRequest) -> Void = { _ in }
  ) -> RestoreRequest {
    PlanValues.restore {
      $0.spec.switchRequested = wants
      var status = RestoreRequestStatus()
      (status.phase, status.database, status.instance) = (phase, "shop", restored)
      status.observedGeneration = 1
      $0.status = status
      change(&$0)
    }
  }

  /// `undo` in the middle of a switch that began just now.
  static func switching(
    _ stage: SwitchStage, _ direction: SwitchDirection = .toRestored, wants: Bool? = nil,
    _ change: (inout RestoreRequest) -> Void = { _ in }
  ) -> RestoreRequest {
    restore(.switching, wants: wants ?? (direction == .toRestored)) {
      $0.status?.previousInstance = original
      if direction == .toPrevious { $0.status?.completedAt = PlanValues.now }
      $0.status?.switching = SwitchStatus(
        direction: direction, stage: stage, startedAt: PlanValues.now,
        lastLSN: stage == .closing ? nil : "0/5000000")
      change(&$0)
    }
  }

  /// The mark that a switch under way leaves on its Database.
  static func mark(_ database: inout Database) {
    database.metadata.annotations[TidemarkAnnotation.switching] = "uid-of-undo"
  }

  static func later(_ seconds: Int64) -> Timestamp {
    Timestamp(secondsSince1970: PlanValues.now.secondsSince1970 + seconds)
  }
}
