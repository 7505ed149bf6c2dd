import Controllers
import KubeModel
import Steps
import Testing
import TidemarkAPI

@Suite("The plan of a Backup of volumes or a bucket")
struct FilesBackupPlanTests {
  private static let product = FilesProduct(
    snapshots: [
      FilesSnapshot(claim: "data", snapshot: "aa", files: 2, bytes: 20),
      FilesSnapshot(claim: "logs", snapshot: "bb", files: 1, bytes: 10),
    ], size: BackupSize(logical: 30, added: 20, stored: 10),
    inconsistencies: FileInconsistencies(changed: 0, vanished: 0, names: []))

  @Test("it waits for what it is of, and says what is missing")
  func obstacles() {
    let cases: [(BackupPlan, String)] = [
      (Self.plan { $0.application = nil }, Reason.applicationNotFound),
      (Self.plan { $0.application?.claims = [] }, Reason.volumesNotFound),
      (Self.plan { $0.backup.spec.volumes?.claims = ["unknown"] }, Reason.volumesNotFound),
      (Self.plan { $0.application?.scaledDownFor = "another" }, Reason.waiting),
      (Self.bucketPlan { $0.bucket = nil }, Reason.bucketResourceNotFound),
      (Self.bucketPlan { $0.bucket?.status = nil }, Reason.bucketNotReady),
    ]
    for (plan, reason) in cases {
      #expect(plan.status.phase == .pending && plan.actions.isEmpty)
      #expect(plan.status.conditions.readyReason == reason)
    }
    #expect(Self.plan().actions == [.start])
    #expect(Self.bucketPlan().actions == [.start])
  }

  @Test("all its snapshots stand in the status, and whether each file held still")
  func completes() {
    let plan = Self.plan { $0.run = .ended(.done(.files(Self.product))) }
    #expect(plan.status.phase == .completed && plan.status.snapshots == Self.product.snapshots)
    #expect(plan.status.snapshot == "aa" && plan.actions == [.discardRun])
    #expect(plan.status.conditions?.isTrue(ConditionType.consistent) == true)
    var restless = Self.product
    restless.inconsistencies = FileInconsistencies(changed: 1, vanished: 2, names: ["changed: /data/x"])
    let told = Self.plan { $0.run = .ended(.done(.files(restless))) }
    let condition = told.status.conditions?[type: ConditionType.consistent]
    #expect(told.status.phase == .completed && condition?.status == .false)
    #expect(condition?.message.contains("/data/x") == true)
  }

  @Test("an application that is to be still is scaled down first, and gets its replicas back whatever comes")
  func quiesce() {
    func plan(_ change: (inout BackupObservation) -> Void) -> BackupPlan {
      Self.plan {
        $0.backup.spec.volumes?.quiesce = .scaleDown
        change(&$0)
      }
    }
    func still(_ seen: inout BackupObservation) {
      seen.application?.scaledDownFor = "uid-of-nightly"
      seen.application?.pods = 0
    }
    #expect(plan { _ in }.actions == [.scaleDown])
    let ending = plan {
      still(&$0)
      $0.application?.pods = 1
    }
    #expect(ending.actions.isEmpty && ending.status.conditions.readyReason == Reason.scaling)
    #expect(plan { still(&$0) }.actions == [.start])
    // A spec that was changed meanwhile leaves nothing scaled down.
    let changed = plan {
      still(&$0)
      $0.backup.spec.volumes?.quiesce = nil
    }
    #expect(changed.actions == [.scaleUp] && changed.status.phase == .pending)
    let spoilt = plan {
      still(&$0)
      $0.backup.spec.destinationName = ""
    }
    #expect(spoilt.actions == [.scaleUp] && spoilt.status.phase == .pending)
    #expect(plan { $0.run = .ended(.done(.files(Self.product))) }.actions == [.scaleUp, .discardRun])
    #expect(plan { $0.run = .ended(.failed(PlanValues.failure)) }.actions == [.scaleUp, .discardRun])
    let deleted = plan { $0.backup.metadata.beginDeletion() }
    #expect(deleted.actions == [.scaleUp, .discardRun, .removeFinalizer])
  }

  // MARK: What is seen

  private static func plan(_ change: (inout BackupObservation) -> Void = { _ in }) -> BackupPlan {
    var backup = Backup(
      metadata: PlanValues.metadata("nightly"),
      spec: BackupSpec(
        target: BackupTarget(application: WorkloadReference(kind: "Deployment", name: "web")), destinationName: "s3"))
    backup.spec.volumes = VolumesSpec()
    var seen = BackupObservation(
      backup: backup, database: nil,
      application: ApplicationSight(
        replicas: 2, pods: 2, claims: [.init(name: "data", directory: "/data"), .init(name: "logs", directory: "/l")]),
      destination: PlanValues.destination(), rivals: [], run: .absent, forgetting: .absent, now: PlanValues.now)
    change(&seen)
    return BackupPlan.make(seen)
  }

  private static func bucketPlan(_ change: (inout BackupObservation) -> Void = { _ in }) -> BackupPlan {
    var bucket = Bucket(
      metadata: PlanValues.metadata("pictures"), spec: BucketSpec(connection: PlanValues.destination().spec))
    var status = BucketStatus()
    status.conditions = [PlanValues.condition(ConditionType.ready, .true, Reason.validated)]
    bucket.status = status
    return plan {
      $0.backup.spec.target = BackupTarget(bucket: "pictures")
      $0.backup.spec.volumes = nil
      ($0.application, $0.bucket) = (nil, bucket)
      change(&$0)
    }
  }
}
