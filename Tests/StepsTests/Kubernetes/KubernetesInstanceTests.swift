import Foundation
import Glibc
import KubeClient
import KubeModel
import Steps
import TestSupport
import Testing
import TidemarkAPI

@Suite("Instances of a cluster")
struct KubernetesInstanceTests {
  @Test("an instance is reserved, started, recovered, fenced, stopped and removed, by a host that remembers nothing")
  func life() async throws {
    try await InstanceBed.with { bed in
      // The role then does not come in where Tidemark looks around.
      try await bed.source.psql("REVOKE CONNECT ON DATABASE template1 FROM PUBLIC")
      try await bed.source.stop()
      let id = bed.id("clone-1")
      #expect(try await bed.host.state(of: id, as: bed.role) == .absent)
      let place = try await bed.restore("clone-1")
      #expect(place.volume?.claim == "clone-1" && place.volume?.owner == StepVolume.Owner(uid: 999, gid: 999))
      #expect(try await bed.host.state(of: id, as: bed.role) == .stopped)
      try await bed.host.start(id, serverMajor: 15)
      try await bed.host.start(id, serverMajor: 15)
      let instance = try await bed.running("clone-1")
      #expect(instance.recoveredTo.timeline == 2)
      try await finishes(bed, instance)
      try await fences(bed, instance)
      try await bed.host.stop(id)
      #expect(try await bed.host.state(of: id, as: bed.role) == .stopped)
      try await bed.host.remove(id)
      try await bed.host.remove(id)
      try await Self.isGone(bed, "clone-1")
    }
  }

  /// Recovery's settings and secrets go, and the role gets in with the password that it did not have.
  private func finishes(_ bed: InstanceBed, _ instance: RunningInstance) async throws {
    let id = bed.id("clone-1")
    await #expect(throws: (any Error).self) {
      try await bed.psql(instance, "SELECT 1", user: bed.role.username, password: bed.role.password)
    }
    #expect(try await bed.kubectl("get", "secret", "clone-1-recovery", "-o", "name").isEmpty == false)
    try await bed.host.finishRecovery(id, role: bed.role)
    try await bed.host.finishRecovery(id, role: bed.role)
    #expect(try await bed.kubectl("get", "secret", "clone-1-recovery", "--ignore-not-found", "-o", "name").isEmpty)
    #expect(
      try await bed.psql(
        instance, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", user: bed.role.username,
        password: bed.role.password) == "t")
    let settings = try String(
      contentsOfFile: "\(bed.kubelet.volume("clone-1"))/data/postgresql.auto.conf", encoding: .utf8)
    #expect(!settings.contains("restore_command") && !settings.contains("recovery_target"))
  }

  /// Nobody comes in by a certificate but who has the authority's key; and a fence closes and opens.
  private func fences(_ bed: InstanceBed, _ instance: RunningInstance) async throws {
    let id = bed.id("clone-1")
    await #expect(throws: (any Error).self, "TLS into template1 asks for a certificate") {
      try await bed.psql(
        instance, "SELECT 1", user: "postgres", password: bed.source.superuserPassword, database: "template1",
        sslMode: "require")
    }
    let fence = try await bed.host.fence(of: id, as: bed.role)
    let view = try await fence.look()
    #expect(view.mayClose && view.openDatabases == ["postgres", "shop"])
    try await fence.close(view.openDatabases)
    #expect(try await fence.look().endOfLog != nil)
    guard case .running = try await bed.host.state(of: id, as: bed.role) else {
      throw TestFailed("a closed server is no running one")
    }
    try await bed.host.fence(of: id, as: bed.role).open()
    #expect(try await fence.look().openDatabases == ["postgres", "shop"])
  }

  private static func isGone(_ bed: InstanceBed, _ name: String) async throws {
    #expect(try await bed.host.state(of: bed.id(name), as: bed.role) == .absent)
    #expect(try await bed.host.instances(of: "shop", in: bed.namespace).isEmpty)
    let left = try await bed.kubectl(
      "get", "statefulsets,services,configmaps,secrets,pods", "-l", "tidemark.dev/instance=\(name)", "-o", "name")
    #expect(left.isEmpty)
    // Its finalizer is the volume controller's.
    let claim = try await bed.kubectl(
      "get", "pvc", name, "--ignore-not-found", "-o", "jsonpath={.metadata.deletionTimestamp}{.metadata.name}")
    #expect(claim != name)
  }

  @Test("two stopped instances exchange their volumes, also over a crash in between, and back")
  func exchange() async throws {
    try await InstanceBed.with { bed in
      try await bed.source.psql("CREATE TABLE lives (name text)", database: "shop")
      try await bed.source.stop()
      for name in ["live", "aside"] {
        try await bed.restore(name, note: name)
        try await bed.host.start(bed.id(name), serverMajor: 15)
        let running = try await bed.running(name)
        try await bed.host.finishRecovery(bed.id(name), role: bed.role)
        _ = try await bed.psql(
          running, "INSERT INTO lives VALUES ('\(name)')", user: "postgres", password: bed.source.superuserPassword)
      }
      await #expect(throws: StepError.self, "a server runs") { try await Self.exchange(bed) }
      for name in ["live", "aside"] { try await bed.host.stop(bed.id(name)) }
      try await Self.exchange(bed)
      try await Self.exchange(bed)
      #expect(try await Self.served(bed, by: "live") == "aside")
      #expect(try await Self.served(bed, by: "aside") == "live")
      // As a crash would leave it: one of the two is back.
      let half =
        #"{"spec":{"template":{"spec":{"volumes":[{"name":"instance","persistentVolumeClaim":{"claimName":"live"}}]}}}}"#
      _ = try await bed.kubectl("patch", "statefulset", "live", "--type=strategic", "-p", half)
      try await Self.exchange(bed, incoming: "first", outgoing: "second")
      #expect(try await Self.served(bed, by: "live") == "live")
      #expect(try await Self.served(bed, by: "aside") == "aside")
      try await Self.exchange(bed)
      // Only its own data go with an instance.
      try await bed.host.remove(bed.id("aside"))
      try await bed.host.remove(bed.id("aside"))
      #expect(try await bed.kubectl("get", "pvc", "aside", "-o", "jsonpath={.metadata.deletionTimestamp}").isEmpty)
      #expect(try await Self.served(bed, by: "live") == "aside")
    }
  }

  /// Of incarnations `first`, that of `live`, and `second`, that of `aside`.
  private static func exchange(
    _ bed: InstanceBed, incoming: String = "second", outgoing: String = "first"
  ) async throws {
    try await bed.host.exchange(bed.id("live"), bed.id("aside"), incoming: incoming, outgoing: outgoing)
  }

  /// Starts an instance, asks whose data it has, and stops it.
  private static func served(_ bed: InstanceBed, by name: String) async throws -> String {
    try await bed.host.start(bed.id(name), serverMajor: 15)
    let running = try await bed.running(name)
    let data = try await bed.psql(
      running, "SELECT name FROM lives", user: "postgres", password: bed.source.superuserPassword)
    try await bed.host.stop(bed.id(name))
    return data
  }

  @Test("a server that ends by itself each time has failed, with what it last said")
  func failure() async throws {
    try await InstanceBed.with { bed in
      try await bed.source.stop()
      try await bed.restore("clone-1")
      // A backup's label without its log: no recovery can succeed.
      try "START WAL LOCATION: 0/1 (file 000000010000000000000001)\nCHECKPOINT LOCATION: F/F0000028\n".write(
        toFile: "\(bed.kubelet.volume("clone-1"))/data/backup_label", atomically: true, encoding: .utf8)
      try await bed.host.start(bed.id("clone-1"), serverMajor: 15)
      let message = try await eventually(within: .seconds(90), every: .milliseconds(200), "it has failed") {
        () -> String? in
        guard case .failed(let message) = try await bed.host.state(of: bed.id("clone-1"), as: bed.role) else {
          return nil
        }
        return message
      }
      #expect(message.contains("FATAL") || message.contains("PANIC"), "\(message)")
    }
  }

  @Test("what it is made of is what its template says, and fits restricted namespaces")
  func template() async throws {
    try await InstanceBed.with { bed in
      var template = InstanceTemplate()
      template.image = "registry.example/postgres:15"
      template.storageClassName = "fast"
      template.resources = try JSONDecoder().decode(
        ResourceRequirements.self, from: Data(#"{"limits":{"memory":"2Gi"}}"#.utf8))
      let id = bed.id("restore-1")
      let wish = InstanceWish(
        database: "shop", template: template, expectedBytes: 100 << 30, secrets: ["repository-password": [1, 2, 3]])
      _ = try await bed.host.reserve(id, wish)
      _ = try await bed.host.reserve(id, wish)
      #expect(try await bed.host.instances(of: "shop", in: bed.namespace) == [id])
      #expect(try await bed.host.instances(of: "other", in: bed.namespace).isEmpty)
      #expect(
        try await bed.kubectl("get", "pvc", "restore-1", "-o", "jsonpath={.spec.storageClassName} {.spec.resources}")
          == #"fast {"requests":{"storage":"200Gi"}}"#)
      try await bed.host.start(id, serverMajor: 15)
      let pod = "jsonpath={.spec.template.spec.containers[0].image} {.spec.template.spec.containers[0].resources}"
      #expect(
        try await bed.kubectl("get", "statefulset", "restore-1", "-o", pod)
          == #"registry.example/postgres:15 {"limits":{"memory":"2Gi"}}"#)
      try await Self.isRestricted(bed)
    }
  }

  /// The rules of the Pod Security Standards' restricted profile that a pod of ours could break.
  private static func isRestricted(_ bed: InstanceBed) async throws {
    let set = try await bed.client.get(StatefulSet.self, ObjectKey(namespace: bed.namespace, name: "restore-1"))
    let spec = try #require(set.spec?["template"]?["spec"])
    #expect(spec["securityContext"]?["runAsNonRoot"] == true && spec["securityContext"]?["runAsUser"] == 999)
    #expect(spec["securityContext"]?["seccompProfile"]?["type"] == "RuntimeDefault")
    #expect(spec["automountServiceAccountToken"] == false && !fields(spec).contains("hostNetwork"))
    for group in ["initContainers", "containers"] {
      guard case .array(let containers)? = spec[group] else { throw TestFailed("no \(group)") }
      for container in containers {
        let security = container["securityContext"]
        #expect(security?["allowPrivilegeEscalation"] == false && security?["readOnlyRootFilesystem"] == true)
        #expect(security?["capabilities"] == ["drop": ["ALL"]])
        #expect(!fields(container).contains("env"))
      }
    }
    guard case .array(let volumes)? = spec["volumes"] else { throw TestFailed("no volumes") }
    #expect(volumes.allSatisfy { !fields($0).contains("hostPath") })
  }

  private static func fields(_ value: JSONValue) -> Set<String> {
    guard case .object(let fields) = value else { return [] }
    return Set(fields.keys)
  }
}
