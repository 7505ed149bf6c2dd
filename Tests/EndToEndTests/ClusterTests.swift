import Foundation
import TestSupport
import Testing

/// In a whole cluster: steps as Jobs, instances as StatefulSets, the controller as a Deployment with its own rights only.
/// `make test-cluster` starts the cluster.
@Suite("In a cluster", .serialized, .enabled(if: ClusterBed.directory != nil))
struct ClusterTests {
  private static let orders = "SELECT count(*) FROM orders"
  private static let ledger = "SELECT id FROM ledger"

  @Test("a database that is not ours: backed up by schedule, cloned, restored, switched and back, and let go of")
  func story() async throws {
    let bed = try await ClusterBed("cluster-story")
    try await bed.part {
      try await bed.applyDestination()
      try await bed.applyShopDatabase()
      try await Self.backUpBySchedule(bed)
      try await Self.cloneAMoment(bed)
      try await Self.switchAndBack(bed)
      try await Self.letGo(bed)
    }
  }

  private static func backUpBySchedule(_ bed: ClusterBed) async throws {
    try await bed.apply(
      """
      apiVersion: tidemark.dev/v1alpha1
      kind: BackupSchedule
      metadata: { name: each-minute }
      spec:
        schedule: "* * * * *"
        target: { database: shop }
        destinationName: store
        retention: { count: 2 }
      """)
    try await bed.eventuallyField("backupschedule/each-minute", ".status.lastSuccess", within: .seconds(240)) {
      !$0.isEmpty
    }
    try await bed.kubectl(
      "patch", "backupschedule", "each-minute", "--type=merge", "-p", #"{"spec":{"suspend":true}}"#)
  }

  private static func cloneAMoment(_ bed: ClusterBed) async throws {
    let moment = try await bed.now()
    _ = try await bed.ask("postgres", "DELETE FROM orders WHERE id > 10")
    try await bed.eventuallyField("database/shop", ".status.recoveryWindow.latest", within: .seconds(120)) {
      $0 > moment
    }
    try await bed.applyClone("before", moment: "time: \"\(moment)\"", newName: "rescued")
    try await bed.ready("pitrclone/before", seconds: 300)
    let host = try await bed.secret("rescued-connection", "host")
    #expect(try await bed.ask(host, orders) == "20000")
    #expect(try await bed.ask("postgres", orders) == "10")
  }

  private static func switchAndBack(_ bed: ClusterBed) async throws {
    let ledger = try await bed.openLedger()
    try await ledger.grows(by: 100)
    try await bed.applyRestore("undo", source: "pointInTime: { database: shop, latest: true }")
    try await bed.restore("undo", is: "ReadyToSwitch", within: .seconds(300))
    try await bed.requestSwitch("undo", true)
    try await bed.switched("undo", to: true)
    try await ledger.grows(by: 100)
    let instance = try await bed.liveInstance()
    #expect(try await bed.field("service/postgres", ".spec.selector") == #"{"tidemark.dev/instance":"\#(instance)"}"#)
    let restored = try await numbers(bed, "postgres")

    try await bed.requestSwitch("undo", false)
    try await bed.switched("undo", to: false)
    try await ledger.grows(by: 100)
    try await ledger.close()
    #expect(try await bed.field("service/postgres", ".spec.selector") == #"{"app":"postgres"}"#)
    let first = try await numbers(bed, "postgres")

    // What clients left is stopped: it is looked into by going there again.
    try await bed.requestSwitch("undo", true)
    try await bed.switched("undo", to: true)
    let second = try await numbers(bed, "postgres")
    #expect(restored.isSubset(of: second))
    #expect(ledger.acknowledged.isSubset(of: first.union(second)))
    try await bed.requestSwitch("undo", false)
    try await bed.switched("undo", to: false)
    #expect(try await numbers(bed, "postgres") == first)
  }

  /// Backups go with what they stored; clones with their volumes; the database stays as it was.
  private static func letGo(_ bed: ClusterBed) async throws {
    try await bed.kubectl("delete", "database/rescued", "--timeout=180s")
    try await bed.kubectl("delete", "restorerequest/undo", "--timeout=180s")
    try await bed.kubectl("delete", "backupschedules,backups", "--all", "--timeout=240s")
    try await bed.kubectl("delete", "database/shop", "--timeout=180s")
    #expect(try await bed.resticSnapshots().isEmpty)
    try await eventually(within: .seconds(120), "all pods but the database's are gone") {
      try await bed.kubectl("get", "pods", "-o", "jsonpath={.items[*].metadata.name}") == "postgres-0"
    }
    #expect(try await bed.ask("postgres", "SELECT count(*) FROM pg_replication_slots") == "0")
    #expect(try await bed.ask("postgres", orders) == "10")
  }

  @Test("whatever dies, no acknowledged commit is lost, and a clone has exactly the rows of its moment")
  func chaos() async throws {
    let bed = try await ClusterBed("cluster-chaos")
    try await bed.part {
      try await bed.applyDestination()
      try await bed.applyShopDatabase()
      try await bed.applyBackup("first")
      try await bed.ready("backup/first", seconds: 240)
      let ledger = try await bed.openLedger()
      try await ledger.grows(by: 100)
      for disaster in Disaster.allCases { try await Self.survive(disaster, bed, ledger) }
      try await ledger.close()
      try await Self.compareClone(bed, ledger)
    }
  }

  /// What happens to a cluster, one after the other, with clients at work.
  enum Disaster: String, CaseIterable {
    case storeIsAway
    case controllersAreDeleted
    case stepsAreDeleted
    case apiServerRestarts
    case databaseIsKilled
    case nodeLosesPower
  }

  /// Brings it about while a backup runs; then commits must reach the archive again, and the backup must complete.
  private static func survive(_ disaster: Disaster, _ bed: ClusterBed, _ ledger: Ledger) async throws {
    let backup = "during-\(disaster.rawValue.lowercased())"
    try await bed.applyBackup(backup)
    switch disaster {
    case .storeIsAway:
      try await bed.s3.stop()
      try await Task.sleep(for: .seconds(60))
      try await bed.s3.start()
    case .controllersAreDeleted:
      try await bed.kube.kubectl(
        "--namespace", "tidemark-system", "delete", "pods", "--selector=app.kubernetes.io/name=tidemark",
        "--grace-period=1")
    case .stepsAreDeleted:
      try await bed.kubectl(
        "delete", "pods", "--selector=app.kubernetes.io/component=step", "--grace-period=0", "--force")
    case .apiServerRestarts: try await bed.cluster("restart", "apiserver")
    case .databaseIsKilled: try await bed.kubectl("delete", "pod", "postgres-0", "--grace-period=0", "--force")
    case .nodeLosesPower: try await bed.cluster("restart", "node")
    }
    try await bed.rolledOut("statefulset/postgres")
    try await ledger.grows(by: 50)
    let moment = try await bed.now()
    try await ledger.grows(by: 20)
    try await bed.eventuallyField("database/shop", ".status.recoveryWindow.latest", within: .seconds(300)) {
      $0 > moment
    }
    try await bed.ready("backup/\(backup)", seconds: 300)
  }

  private static func compareClone(_ bed: ClusterBed, _ ledger: Ledger) async throws {
    let live = try await numbers(bed, "postgres")
    #expect(ledger.acknowledged.isSubset(of: live))
    let moment = try await bed.now()
    _ = try await bed.ask("postgres", "INSERT INTO ledger VALUES (-1)")
    try await bed.eventuallyField("database/shop", ".status.recoveryWindow.latest", within: .seconds(120)) {
      $0 > moment
    }
    #expect(try await bed.field("database/shop", ".status.recoveryWindow.gaps") == "")
    try await bed.applyClone("after", moment: "time: \"\(moment)\"", newName: "survivor")
    try await bed.ready("pitrclone/after", seconds: 300)
    let host = try await bed.secret("survivor-connection", "host")
    #expect(try await numbers(bed, host) == live)
  }

  private static func numbers(_ bed: ClusterBed, _ host: String) async throws -> Set<String> {
    Ledger.numbers(try await bed.ask(host, ledger))
  }

  @Test("Tidemark's accounts asked for nothing that they may not do, and used each right that they have")
  func rights() async throws {
    let log = try AuditLog(cluster: ClusterBed.directory)
    let refused = log.refusals(of: ["system:serviceaccount:tidemark-system:tidemark"], and: ":tidemark-step")
    #expect(refused.isEmpty, "\(refused.sorted().joined(separator: "\n"))")
    let kube = try await TestServers.kube()
    for (role, account) in [("tidemark", ":tidemark-system:tidemark"), ("tidemark-step", ":tidemark-step")] {
      let given = try AuditLog.rights(ofRole: await kube.kubectl("get", "clusterrole", role, "-o", "json"))
      let unused = given.subtracting(log.used(by: account)).subtracting(Self.rightsOfOtherTests)
      #expect(unused.isEmpty, "\(role) has rights that nothing used:\n\(unused.sorted().joined(separator: "\n"))")
    }
  }

  /// What these tests do not bring about, with what does.
  private static let rightsOfOtherTests: Set<String> = [
    // Asked by the API server itself: as a RoleBinding is made, and as an apply makes an object.
    "bind rbac.authorization.k8s.io/clusterroles", "create apps/statefulsets", "create configmaps", "create services",
    // ScheduleTests: retention, and the annotation that lets it go on.
    "delete tidemark.dev/backups", "patch tidemark.dev/backupschedules",
    // BackupPlanTests: a namespace that is being deleted.
    "get namespaces",
    // JobTests: the log of a pod that failed.
    "get pods/log",
    // KubernetesInstanceTests: volumes are exchanged.
    "patch persistentvolumeclaims",
    // FilesTests.
    "get tidemark.dev/buckets", "list persistentvolumeclaims", "patch tidemark.dev/buckets",
    "patch tidemark.dev/buckets/status",
  ]
}
