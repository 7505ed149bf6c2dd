import Controllers
import KubeModel
import KubeRuntime
import Steps
import Testing
import TidemarkAPI

@Suite("The plan of a destination's content")
struct DiscoveryPlanTests {
  private static func plan(
    _ destination: BackupDestination = PlanValues.destination(), backups: [Backup] = [], run: StepState = .absent,
    after seconds: Int64 = 0
  ) -> DiscoveryPlan {
    DiscoveryPlan.make(
      DiscoveryObservation(
        destination: destination, backups: backups, run: run,
        now: Timestamp(secondsSince1970: PlanValues.now.secondsSince1970 + seconds)))
  }

  private static func ended(_ product: DiscoveryProduct) -> StepState { .ended(.done(.discovered(product))) }

  private static func product(
    _ backups: [DiscoveredBackup], missing: [String] = [], isCut: Bool = false
  ) -> DiscoveryProduct {
    DiscoveryProduct(
      storedBytes: 4711, databases: [DiscoveredDatabase(name: "shop", backups: backups, missing: missing)],
      isCut: isCut)
  }

  private static func found(_ change: (inout DiscoveredBackup) -> Void) -> DiscoveredBackup {
    var found = PlanValues.discovered
    change(&found)
    return found
  }

  private static let listed = PlanValues.destination { $0.status?.lastDiscovery = PlanValues.now }

  private static func completed(after seconds: Int64) -> Backup {
    PlanValues.backup {
      var status = BackupStatus()
      (status.phase, status.snapshot) = (.completed, PlanValues.product.snapshot)
      status.completedAt = Timestamp(secondsSince1970: PlanValues.now.secondsSince1970 + seconds)
      $0.status = status
    }
  }

  @Test("a prefix is listed at first, then hourly, and after validationInterval where a Backup has ended since")
  func whenListed() {
    let start = [DiscoveryPlan.Action.start(known: [:])]
    let known = [DiscoveryPlan.Action.start(known: ["shop": [PlanValues.product.snapshot]])]
    #expect(Self.plan().actions == start)
    #expect(Self.plan(Self.listed, after: 3599).next == .requeue(after: .seconds(1)))
    #expect(Self.plan(Self.listed, after: 3599).actions.isEmpty)
    #expect(Self.plan(Self.listed, after: 3600).actions == start)
    #expect(Self.plan(Self.listed, backups: [Self.completed(after: 10)], after: 599).actions.isEmpty)
    #expect(Self.plan(Self.listed, backups: [Self.completed(after: 10)], after: 600).actions == known)
    #expect(Self.plan(Self.listed, backups: [Self.completed(after: -10)], after: 3599).actions.isEmpty)
    // A clock that was set back.
    #expect(Self.plan(Self.listed, after: -60).actions == start)
  }

  @Test("a destination that is not Ready, suspended, changed or being deleted is not listed")
  func notListed() {
    let table: [(inout BackupDestination) -> Void] = [
      { $0.status = nil }, { $0.spec.suspend = true }, { $0.metadata.generation = 2 },
      { $0.metadata.beginDeletion() },
      { $0.status?.conditions = [PlanValues.condition(ConditionType.ready, .false, Reason.passwordInvalid)] },
    ]
    for change in table {
      let plan = Self.plan(PlanValues.destination(change))
      #expect(plan.actions.isEmpty && plan.events.isEmpty && plan.next == .done)
    }
  }

  @Test("what no Backup tells of is created, the bytes are counted, and the run goes after both are written")
  func creates() {
    let plan = Self.plan(run: Self.ended(Self.product([PlanValues.discovered])))
    #expect(
      plan.actions == [.create(PlanValues.discovered, name: "shop-abababab", target: BackupTarget(database: "shop"))])
    #expect(plan.count == .init(bytes: 4711, at: PlanValues.now) && plan.discardsRun)
    #expect(plan.events.map(\.reason) == ["Discovered"])
  }

  @Test("what a Backup tells of, or is about to tell of, is not created")
  func leavesKnown() {
    let young = Timestamp(secondsSince1970: PlanValues.now.secondsSince1970 - 60)
    let table: [(DiscoveredBackup, [Backup])] = [
      (PlanValues.discovered, [Self.completed(after: 0)]),
      (Self.found { $0.backup = "uid-of-first" }, [PlanValues.backup()]),
      (Self.found { ($0.backup, $0.completedAt) = (nil, young) }, []),
    ]
    for (found, backups) in table {
      let plan = Self.plan(backups: backups, run: Self.ended(Self.product([found])))
      #expect(plan.actions.isEmpty && plan.events.isEmpty && plan.discardsRun)
    }
    let old = Self.plan(run: Self.ended(Self.product([Self.found { $0.backup = nil }])))
    #expect(old.actions.count == 1)
  }

  @Test("a name that another snapshot's Backup has is made longer")
  func takenName() {
    let taken = PlanValues.backup("shop-abababab")
    let plan = Self.plan(backups: [taken], run: Self.ended(Self.product([PlanValues.discovered])))
    #expect(
      plan.actions == [
        .create(PlanValues.discovered, name: "shop-abababababababab", target: BackupTarget(database: "shop"))
      ])
  }

  @Test("a run that could not tell of all is followed by another at once, unless it told nothing new")
  func goesOn() {
    let cut = Self.plan(run: Self.ended(Self.product([PlanValues.discovered], isCut: true)))
    #expect(cut.count?.at == nil && cut.next == .requeue(after: BackupPlan.pollInterval))
    let known = Self.plan(
      backups: [Self.completed(after: 0)], run: Self.ended(Self.product([PlanValues.discovered], isCut: true)))
    #expect(known.count?.at == PlanValues.now)
  }

  @Test("a Backup that was found goes when its snapshot has gone; one that was run stays")
  func removes() throws {
    let view = try Backup.discovered(
      PlanValues.discovered, named: "shop-abababab", of: BackupTarget(database: "shop"), namespace: "demo",
      in: "s3")
    let product = Self.product([], missing: [PlanValues.product.snapshot])
    #expect(Self.plan(backups: [view], run: Self.ended(product)).actions == [.remove(BackupIdentity(view))])
    #expect(Self.plan(backups: [Self.completed(after: 0)], run: Self.ended(product)).actions.isEmpty)
  }

  @Test("what can't be read and what lies in other namespaces is told, with what to do")
  func tells() {
    let product = DiscoveryProduct(
      storedBytes: 1, databases: [DiscoveredDatabase(name: "shop", failure: PlanValues.failure)],
      otherNamespaces: ["prod"])
    let plan = Self.plan(run: Self.ended(product))
    #expect(plan.events.map(\.reason) == [PlanValues.failure.code, "OtherNamespaces"])
    #expect(plan.events.last?.message.contains("namespace prod") == true)
    #expect(plan.events.last?.message.contains("create a BackupDestination") == true)
  }

  @Test("a listing that failed is told and tried again")
  func fails() {
    for run in [StepState.lost(lastWords: "killed"), .ended(.tryAgain(PlanValues.failure)), .ended(.done(.nothing))] {
      let plan = Self.plan(run: run)
      #expect(plan.discardsRun && plan.count == nil && plan.events.map(\.type) == [.warning])
      #expect(plan.next == .requeue(after: DiscoveryPlan.retryInterval))
    }
    #expect(Self.plan(run: .running).next == .requeue(after: BackupPlan.pollInterval))
  }
}
