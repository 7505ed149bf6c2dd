import Foundation
import KubeClient
import KubeModel
import Steps
import TestSupport
import Testing
import TidemarkAPI

@Suite("The step runner of a cluster")
struct KubernetesStepRunnerTests {
  private static let done = #"{"done":{"_0":{"nothing":{}}}}"#

  @Test("a step that is started twice, by one controller or by two at once, is one Job, and each finds it")
  func idempotentStart() async throws {
    try await ClusterBench.with { bench in
      let request = bench.request()
      #expect(try await bench.runner.state(of: request.id) == .absent)
      try await bench.runner.start(request)
      try await bench.runner.start(request)
      try await bench.reborn().start(request)
      #expect(try await bench.stage.names("jobs") == [request.id.name])
      #expect(try await bench.reborn().state(of: request.id) == .running)
      #expect(try await bench.reborn().known() == [request.id])
      let second = bench.request("forget-2", .forget)
      async let left: Void = bench.runner.start(second)
      async let right: Void = bench.reborn().start(second)
      _ = try await (left, right)
      #expect(try await bench.stage.names("jobs").count == 2)
    }
  }

  @Test("a run's objects are its resource's, and its account has the one role")
  func objects() async throws {
    try await ClusterBench.with { bench in
      let request = bench.request()
      try await bench.runner.start(request)
      for kind in ["job", "configmap", "secret"] {
        let object = try await bench.stage.json("get", "\(kind)/\(request.id.name)")
        let metadata = object["metadata"] as? [String: Any]
        let owners = metadata?["ownerReferences"] as? [[String: Any]]
        #expect(owners?.count == 1 && owners?.first?["uid"] as? String == request.subject.uid, "\(kind)")
      }
      let binding = try await bench.client.get(
        RoleBinding.self, ObjectKey(namespace: bench.namespace, name: "tidemark-step"))
      #expect(binding.roleRef.kind == "ClusterRole" && binding.roleRef.name == "tidemark-step")
      #expect(
        try await bench.client.find(
          ServiceAccount.self, ObjectKey(namespace: bench.namespace, name: "tidemark-step")) != nil)
      let job = try await bench.kube.kubectl("-n", bench.namespace, "get", "job", request.id.name, "-o", "yaml")
      #expect(!job.contains(ClusterBench.secret) && job.contains("tidemark:dev"))
    }
  }

  @Test("a finished step's result is read by a controller that was not there when it began, and is discarded with all")
  func result() async throws {
    try await ClusterBench.with { bench in
      let request = bench.request()
      try await bench.runner.start(request)
      let pod = try await bench.stage.makePod(of: "job/\(request.id.name)")
      try await bench.stage.set(pod, .running)
      #expect(try await bench.runner.state(of: request.id) == .running)
      let error = await #expect(throws: StepError.self) { try await bench.runner.discard(request.id) }
      #expect(error?.code == .stillRunning)
      try await bench.stage.set(pod, .ended(code: 0, reason: "Completed", message: Self.done))
      try await bench.stage.end(request.id.name)
      #expect(try await bench.reborn().state(of: request.id) == .ended(.done(.nothing)))
      try await bench.runner.start(request)
      #expect(try await bench.runner.state(of: request.id) == .ended(.done(.nothing)), "it is not run again")
      try await bench.runner.stop(request.id)
      try await bench.reborn().discard(request.id)
      #expect(try await bench.runner.state(of: request.id) == .absent)
      for kind in ["jobs", "secrets", "configmaps"] {
        #expect(try await !bench.stage.names(kind).contains(request.id.name), "\(kind)")
      }
      #expect(try await bench.runner.known().isEmpty)
      try await bench.runner.discard(request.id)
    }
  }

  @Test("a pod that was killed is a lost run with the end of its log, and is started anew")
  func lost() async throws {
    try await ClusterBench.with { bench in
      let request = bench.request()
      try await bench.runner.start(request)
      let pod = try await bench.stage.makePod(of: "job/\(request.id.name)")
      try await bench.stage.set(pod, .ended(code: 137, reason: "OOMKilled", message: "received 5 GiB\n"))
      try await bench.stage.end(request.id.name, failed: "BackoffLimitExceeded", message: "too often")
      #expect(
        try await bench.runner.state(of: request.id)
          == .lost(lastWords: "OOMKilled (exit code 137); it last said: received 5 GiB"))
      try await bench.runner.start(request)
      #expect(try await bench.runner.state(of: request.id) == .running, "an earlier Job's pods do not count")
    }
  }

  @Test("a pod that can't begin is told, and is at work for those who would stop it")
  func hindered() async throws {
    try await ClusterBench.with { bench in
      let request = bench.request()
      try await bench.runner.start(request)
      let pod = try await bench.stage.makePod(of: "job/\(request.id.name)")
      try await bench.stage.set(pod, .waiting(reason: "ImagePullBackOff", message: "no such image"))
      let state = try await bench.runner.state(of: request.id)
      #expect(state == .waiting(FailureStatus(code: "ImagePullBackOff", message: "pod \(pod): no such image")))
      #expect(state.isAtWork)
    }
  }

  @Test("a stop returns when the pods are gone, and not before")
  func stop() async throws {
    try await ClusterBench.with { bench in
      let request = bench.request()
      try await bench.runner.start(request)
      let pod = try await bench.stage.makePod(of: "job/\(request.id.name)")
      try await bench.stage.set(pod, .running)
      let job = "job/\(request.id.name)"
      let impatient = bench.reborn(stopBound: .milliseconds(500))
      let error = await #expect(throws: StepError.self) { try await impatient.stop(request.id) }
      #expect(error?.code == .stillRunning && error?.message.contains(pod) == true)
      #expect(try await bench.stage.isDeleting(job))
      let again = await #expect(throws: StepError.self) { try await bench.runner.start(request) }
      #expect(again?.code == .stillRunning, "what is being ended is not taken for at work")
      async let stopped: Void = bench.runner.stop(request.id)
      try await bench.stage.collect(job, run: request.id.name)
      try await stopped
      #expect(try await bench.runner.state(of: request.id) == .absent)
      try await bench.runner.discard(request.id)
      #expect(try await bench.stage.names("secrets").contains(request.id.name) == false)
    }
  }

  @Test("a receiver is a Deployment that is current until its input, secrets, image or template are others")
  func receiver() async throws {
    try await ClusterBench.with { bench in
      let request = bench.request("wal-receive-1", .walReceive)
      try await bench.runner.start(request)
      #expect(try await bench.stage.names("deployments") == ["wal-receive-1"])
      #expect(try await bench.stage.names("jobs").isEmpty)
      #expect(try await bench.runner.isCurrent(request))
      #expect(try await bench.reborn().isCurrent(request))
      var changed = request
      changed.secrets["access-key-id"] = [1]
      #expect(try await !bench.runner.isCurrent(changed))
      changed = request
      changed.input = Array("{}".utf8)
      #expect(try await !bench.runner.isCurrent(changed))
      #expect(try await !bench.reborn(image: "tidemark:next").isCurrent(request))
      let pod = try await bench.stage.makePod(of: "deployment/wal-receive-1")
      try await bench.stage.set(
        pod, .crashLoop(code: 1, message: #"{"failed":{"_0":{"code":"SlotLost","message":"no slot"}}}"#))
      #expect(
        try await bench.runner.state(of: request.id)
          == .waiting(FailureStatus(code: "SlotLost", message: "no slot")))
      async let stopped: Void = bench.runner.stop(request.id)
      try await eventually("it is being deleted") { try await bench.stage.isDeleting("deployment/wal-receive-1") }
      try await bench.stage.collect("deployment/wal-receive-1", run: "wal-receive-1")
      try await stopped
      #expect(try await bench.runner.state(of: request.id) == .absent)
    }
  }

  @Test("secrets that changed between two attempts are the new ones in the next")
  func freshSecrets() async throws {
    try await ClusterBench.with { bench in
      var request = bench.request()
      request.secrets["old"] = [7]
      try await bench.runner.start(request)
      try await bench.kube.kubectl("-n", bench.namespace, "delete", "job", request.id.name)
      request.secrets = ["access-key-id": [1], "new": [2]]
      try await bench.runner.start(request)
      let secret = try await bench.client.get(
        Secret.self, ObjectKey(namespace: bench.namespace, name: request.id.name))
      #expect(secret.data == ["access-key-id": Data([1]), "new": Data([2])])
    }
  }

  @Test("the run of a resource that is gone is cleared away, and that of one that is there is left alone")
  func orphans() async throws {
    try await ClusterBench.with { bench in
      let gone = bench.request("forget-1", .forget, uid: "gone")
      let kept = bench.request("forget-2", .forget, uid: "kept")
      try await bench.runner.start(gone)
      try await bench.runner.start(kept)
      let pod = try await bench.stage.makePod(of: "job/forget-1")
      try await bench.stage.set(pod, .ended(code: 0, reason: "Completed", message: Self.done))
      try await bench.stage.end("forget-1")
      let sweep = try await bench.reborn().removeOrphans { $0.uid != "gone" }
      #expect(sweep.removed == [gone.id] && sweep.stuck.isEmpty)
      #expect(try await bench.runner.known() == [kept.id])
      #expect(try await bench.stage.names("jobs") == ["forget-2"])
    }
  }

  @Test("the run of a resource that is gone and that does not end holds no other up")
  func stuckOrphan() async throws {
    try await ClusterBench.with { bench in
      let stuck = bench.request("forget-1", .forget, uid: "gone")
      let ended = bench.request("forget-2", .forget, uid: "gone")
      try await bench.runner.start(stuck)
      try await bench.runner.start(ended)
      try await bench.stage.set(try await bench.stage.makePod(of: "job/forget-1"), .running)
      let pod = try await bench.stage.makePod(of: "job/forget-2")
      try await bench.stage.set(pod, .ended(code: 0, reason: "Completed", message: Self.done))
      try await bench.stage.end("forget-2")
      let sweep = try await bench.reborn(stopBound: .milliseconds(500)).removeOrphans { $0.uid != "gone" }
      #expect(sweep.removed == [ended.id] && sweep.stuck.map(\.run) == [stuck.id])
      #expect(try await bench.runner.known() == [stuck.id])
    }
  }

  @Test("a Job that the cluster refuses is an error that says what to look at")
  func refused() async throws {
    try await ClusterBench.with { bench in
      let bad = bench.reborn(template: try PodTemplate(yaml: "spec: { nodeSelector: { disk: '-not a label-' } }"))
      let error = await #expect(throws: StepError.self) { try await bad.start(bench.request()) }
      #expect(error?.code == .platformRefused && error?.message.contains("pod template") == true)
    }
  }

  @Test("what cannot be in the cluster is not asked for")
  func notAsked() async throws {
    try await ClusterBench.with { bench in
      let asked = bench.reborn { _ in [] }
      let request = bench.request()
      #expect(try await asked.state(of: request.id) == .absent)
      try await asked.start(request)
      #expect(try await asked.state(of: request.id) == .running, "what it started itself it knows, before any cache")
    }
  }
}
