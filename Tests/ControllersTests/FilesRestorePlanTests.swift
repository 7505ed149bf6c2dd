import Controllers
import KubeModel
import Steps
import Testing
import TidemarkAPI

@Suite("The plan of a RestoreRequest for volumes or a bucket")
struct FilesRestorePlanTests {
  private static let now = PlanValues.now
  private static let uid = "uid-of-restore"

  @Test("it waits for what is not there, says what that is, and starts nothing")
  func obstacles() {
    let cases: [(FilesRestoreObservation, String)] = [
      (Self.seen { $0.backup = nil }, Reason.backupNotFound),
      (Self.seen { $0.backup?.status?.phase = .running }, Reason.backupNotCompleted),
      (Self.seen { $0.destination = nil }, Reason.destinationNotFound),
      (Self.seen { $0.application = nil }, Reason.applicationNotFound),
      (Self.seen { $0.application?.claims = [] }, Reason.volumesNotFound),
      (
        Self.seen { $0.application?.claims[0] = .init(name: "data", problem: "is not bound to a volume") },
        Reason.volumesNotFound
      ),
      (Self.seen { $0.application?.scaledDownFor = "another" }, Reason.waiting),
      (Self.scaledDown { $0.reader = $0.backup }, Reason.waiting),
    ]
    for (seen, reason) in cases {
      let plan = FilesRestorePlan.make(seen)
      #expect(plan.status.phase == .pending && !plan.actions.contains(.start), "\(reason)")
      #expect(plan.status.conditions?[type: ConditionType.ready]?.reason == reason)
    }
  }

  @Test("what makes no sense fails, and says what would")
  func refusals() {
    let cases: [(FilesRestoreObservation, String)] = [
      (Self.seen { $0.backup?.status?.phase = .failed }, Reason.backupNotCompleted),
      (Self.seen { $0.request.spec.target = BackupTarget(bucket: "b") }, Reason.invalidSpec),
      (Self.seen { $0.request.spec.files?.keyPrefix = "x" }, Reason.invalidSpec),
      (
        Self.seen { $0.request.spec.files?.newClaims = [.init(claim: "unknown", newClaim: "new")] },
        Reason.invalidSpec
      ),
      (Self.seen { $0.application?.replicas = nil }, Reason.unsupported),
      (Self.seen { $0.request.spec.files?.paths = ["../etc"] }, Reason.invalidSpec),
    ]
    for (seen, reason) in cases {
      let plan = FilesRestorePlan.make(seen)
      #expect(plan.status.phase == .failed && plan.status.error?.code == reason, "\(reason): \(plan.status)")
    }
  }

  @Test("a Backup that left files out is not restored whole over them")
  func partial() {
    func leftOut(_ change: (inout RestoreFilesSpec) -> Void = { _ in }) -> FilesRestorePlan {
      FilesRestorePlan.make(
        Self.seen {
          var volumes = VolumesSpec()
          volumes.exclude = ["*.tmp"]
          $0.backup?.spec.volumes = volumes
          $0.backup?.status?.begunWith = nil
          var files = RestoreFilesSpec()
          change(&files)
          $0.request.spec.files = files
        })
    }
    let whole = leftOut()
    #expect(whole.status.phase == .failed && whole.status.error?.code == Reason.invalidSpec)
    #expect(whole.status.error?.message.contains("files.paths") == true)
    #expect(leftOut { $0.paths = ["docs"] }.actions == [.scaleDown])
  }

  @Test("the application is scaled to none, its pods end, and only then is its volume written to")
  func scalesDown() {
    #expect(FilesRestorePlan.make(Self.seen()).actions == [.scaleDown])
    let ending = FilesRestorePlan.make(
      Self.seen {
        $0.application?.scaledDownFor = Self.uid
        $0.application?.pods = 1
      })
    #expect(ending.actions.isEmpty && ending.status.phase == .pending)
    let gone = FilesRestorePlan.make(Self.scaledDown())
    #expect(gone.actions == [.start] && gone.status.phase == .restoring && gone.status.attempts == 1)
  }

  @Test("a restore to new claims makes them, and leaves the application running")
  func newClaims() {
    func mapped(_ change: (inout FilesRestoreObservation) -> Void) -> FilesRestorePlan {
      FilesRestorePlan.make(
        Self.seen {
          $0.request.spec.files?.newClaims = [.init(claim: "data", newClaim: "data-copy")]
          change(&$0)
        })
    }
    let missing = mapped { $0.newClaims = [.init(name: "data-copy", problem: "is not there")] }
    #expect(missing.actions == [.makeClaims] && missing.status.phase == .pending)
    let there = mapped { $0.newClaims = [.init(name: "data-copy", directory: "/x")] }
    #expect(there.actions == [.start])
  }

  @Test("a copy is made when its volumes are restored, and only then is the restore complete")
  func copies() {
    let restored = RestoredFiles(written: 3, writtenBytes: 30, unchanged: 0, deleted: 0)
    func plan(_ copy: WorkloadCopySight, _ run: StepState) -> FilesRestorePlan {
      FilesRestorePlan.make(
        Self.seen {
          $0.request.spec.files?.newName = "web2"
          $0.newClaims = [.init(name: "web2-data", directory: "/x")]
          ($0.copy, $0.run) = (copy, run)
        })
    }
    #expect(plan(.absent, .absent).actions == [.start])
    #expect(plan(.foreign, .absent).status.error?.code == Reason.nameTaken)
    let making = plan(.absent, .ended(.done(.restoredFiles(restored))))
    #expect(making.actions == [.makeCopy] && making.status.phase != .completed)
    #expect(plan(.own, .ended(.done(.restoredFiles(restored)))).status.phase == .completed)
  }

  @Test("however the step ends, the application gets its replicas back")
  func ends() {
    let restored = RestoredFiles(written: 3, writtenBytes: 30, unchanged: 0, deleted: 0)
    let done = FilesRestorePlan.make(Self.scaledDown { $0.run = .ended(.done(.restoredFiles(restored))) })
    #expect(done.actions == [.scaleUp, .discardRun])
    #expect(done.status.phase == .completed && done.status.files == restored)
    let failed = FilesRestorePlan.make(Self.scaledDown { $0.run = .ended(.failed(PlanValues.failure)) })
    #expect(failed.actions == [.scaleUp, .discardRun] && failed.status.phase == .failed)
    let deleted = FilesRestorePlan.make(
      Self.scaledDown {
        $0.run = .running
        $0.request.metadata.deletionTimestamp = Self.now
      })
    #expect(deleted.actions == [.stopRun, .scaleUp, .discardRun, .removeFinalizer])
  }

  @Test("a crash behind the end leaves nothing scaled down, and a lost step is tried again")
  func crashes() {
    let ended = FilesRestorePlan.make(
      Self.scaledDown {
        $0.request.status?.phase = .completed
        $0.run = .ended(.failed(PlanValues.failure))
      })
    #expect(ended.actions == [.scaleUp, .discardRun])
    let lost = FilesRestorePlan.make(Self.scaledDown { $0.run = .lost(lastWords: "boom") })
    #expect(lost.actions.isEmpty && lost.status.retryAt != nil)
  }

  // MARK: What is seen

  private static func scaledDown(
    _ change: (inout FilesRestoreObservation) -> Void = { _ in }
  ) -> FilesRestoreObservation {
    seen {
      $0.application?.scaledDownFor = uid
      $0.application?.pods = 0
      var status = RestoreRequestStatus()
      status.phase = .pending
      $0.request.status = status
      change(&$0)
    }
  }

  private static func seen(
    _ change: (inout FilesRestoreObservation) -> Void = { _ in }
  ) -> FilesRestoreObservation {
    var backup = Backup(
      metadata: ObjectMeta(name: "nightly", namespace: "demo", uid: "uid-of-backup"),
      spec: BackupSpec(
        target: BackupTarget(application: WorkloadReference(kind: "Deployment", name: "web")), destinationName: "s3"))
    var status = BackupStatus()
    status.phase = .completed
    status.snapshots = [FilesSnapshot(claim: "data", snapshot: "abcd", files: 3, bytes: 30)]
    status.snapshot = "abcd"
    backup.status = status
    var source = RestoreSource()
    source.backupName = "nightly"
    var request = RestoreRequest(
      metadata: ObjectMeta(name: "back", namespace: "demo", uid: uid), spec: RestoreRequestSpec(source: source))
    request.metadata.finalizers = [TidemarkGroup.finalizer]
    request.spec.files = RestoreFilesSpec()
    var seen = FilesRestoreObservation(
      request: request, backup: backup, destination: PlanValues.destination(),
      application: ApplicationSight(
        replicas: 2, pods: 2, claims: [.init(name: "data", directory: "/data")]),
      run: .absent, now: now)
    change(&seen)
    return seen
  }
}
