import Foundation
import KubeModel
import Steps
import Testing
import TidemarkAPI

@Suite("What a Job and its pods tell of a run")
struct StepSightTests {
  private static let now = Timestamp(secondsSince1970: 1_800_000_000)
  private static let done = #"{"done":{"_0":{"nothing":{}}}}"#

  @Test("a Job without a pod is being started, and after a minute it is told that something hinders it")
  func withoutPod() throws {
    #expect(try sight(job(age: 5), []) == .state(.running))
    guard case .state(.waiting(let why)) = try sight(job(age: 120), []) else { throw TestFailed("it waits") }
    #expect(why.code == "StepNotStarted" && why.message.contains("kubectl describe job run-1"))
  }

  @Test("a container that is being made is being started; one that can't begin says why")
  func hindered() throws {
    let creating = try pod(#"{"waiting":{"reason":"ContainerCreating"}}"#, age: 5)
    #expect(try sight(job(), [creating]) == .state(.running))
    let pulling = try pod(#"{"waiting":{"reason":"ImagePullBackOff","message":"no such image"}}"#)
    #expect(
      try sight(job(), [pulling])
        == .state(.waiting(FailureStatus(code: "ImagePullBackOff", message: "pod run-1-a: no such image"))))
    let unscheduled = try pod(
      nil, conditions: #"[{"type":"PodScheduled","status":"False","reason":"Unschedulable","message":"0/1 nodes"}]"#)
    #expect(
      try sight(job(), [unscheduled])
        == .state(.waiting(FailureStatus(code: "Unschedulable", message: "pod run-1-a has no node yet: 0/1 nodes"))))
    let stuck = try pod(#"{"waiting":{"reason":"ContainerCreating"}}"#, age: 120)
    guard case .state(.waiting(let why)) = try sight(job(), [stuck]) else { throw TestFailed("it waits") }
    #expect(why.code == "StepNotStarted")
  }

  @Test("it ends when its Job says so, with what its pod left")
  func ended() throws {
    let finished = try pod(Self.terminated(0, "Completed", Self.done))
    #expect(try sight(job(), [finished]) == .state(.running))
    #expect(try sight(job(ending: "Complete"), [finished]) == .state(.ended(.done(.nothing))))
    let failure = #"{"failed":{"_0":{"code":"AccessDenied","message":"no"}}}"#
    #expect(
      try sight(job(ending: "Failed"), [pod(Self.terminated(1, "Error", failure))])
        == .state(.ended(.failed(FailureStatus(code: "AccessDenied", message: "no")))))
  }

  @Test(
    "without a result the exit code says what the end means",
    arguments: [
      (1, "failed"), (75, "tryAgain"), (2, "unknown"), (137, "lost"), (139, "lost"), (0, "lost"),
    ])
  func exitCodes(_ code: Int, _ meaning: String) throws {
    let seen = try sight(job(ending: "Failed"), [pod(Self.terminated(code, "OOMKilled", "last line"))])
    switch (seen, meaning) {
    case (.state(.ended(.failed(let failure))), "failed"), (.state(.ended(.tryAgain(let failure))), "tryAgain"):
      #expect(failure.code == "StepFailed" && failure.message.contains("last line"))
    case (.state(.ended(.failed(let failure))), "unknown"): #expect(failure.code == "StepUnknown")
    case (.state(.lost(let words)), "lost"):
      #expect(words == "OOMKilled (exit code \(code)); it last said: last line")
    default: Issue.record("\(seen)")
    }
  }

  @Test("a pod that its node ended, and one that is gone, are lost with the reason")
  func lost() throws {
    var evicted = try pod(nil)
    evicted.status?.reason = "Evicted"
    evicted.status?.message = "the node was low on memory"
    #expect(
      try sight(job(ending: "Failed"), [evicted])
        == .state(.lost(lastWords: "Evicted: the node was low on memory")))
    guard case .state(.lost(let words)) = try sight(job(ending: "Failed", reason: "DeadlineExceeded"), []) else {
      throw TestFailed("it is lost")
    }
    #expect(words.contains("--step-deadline"))
    #expect(
      try sight(job(ending: "Failed", reason: "DeadlineExceeded"), [pod(#"{"running":{}}"#)]) == .state(.running),
      "its pod is still ending")
  }

  @Test("of several pods one that was done counts, and those of an earlier Job never")
  func several() throws {
    let failed = try pod(Self.terminated(137, "Error", ""), name: "run-1-b")
    let finished = try pod(Self.terminated(0, "Completed", Self.done), age: 50)
    #expect(try sight(job(ending: "Complete"), [failed, finished]) == .state(.ended(.done(.nothing))))
    let foreign = try pod(Self.terminated(0, "Completed", Self.done), owner: "another")
    guard case .state(.lost) = try sight(job(ending: "Failed"), [foreign]) else { throw TestFailed("it is lost") }
  }

  @Test("a long result is to be read from the pod's log")
  func inLog() throws {
    let seen = try sight(
      job(ending: "Complete"), [pod(Self.terminated(0, "Completed", #"{"inLog":{"bytes":9,"sha256":"ab"}}"#))])
    guard case .resultInLog("run-1-a", let pointer) = seen else { throw TestFailed("\(seen)") }
    #expect(pointer.bytes == 9)
  }

  @Test("a receiver is at work while its Deployment is there, and what its pod fails with is told")
  func deployment() throws {
    let deployment = try decode(
      Deployment.self,
      #"{"metadata":{"name":"run-1","namespace":"demo","uid":"job","creationTimestamp":"\#(Self.text(Self.now))"}}"#)
    func seen(_ pods: [Pod]) -> StepSight { StepSight.of(deployment, pods, now: Self.now) }
    #expect(seen([]) == .state(.running))
    #expect(try seen([pod(#"{"running":{}}"#)]) == .state(.running))
    let failure = #"{"failed":{"_0":{"code":"AuthenticationFailed","message":"no"}}}"#
    var crashing = try pod(#"{"waiting":{"reason":"CrashLoopBackOff","message":"back-off"}}"#)
    crashing.status?.containerStatuses?[0].lastState = try decode(
      ContainerStatus.State.self, Self.terminated(1, "Error", failure))
    let told = StepSight.state(.waiting(FailureStatus(code: "AuthenticationFailed", message: "no")))
    #expect(seen([crashing]) == told)
    #expect(try seen([pod(Self.terminated(1, "Error", failure))]) == told)
    guard case .state(.waiting(let killed)) = try seen([pod(Self.terminated(137, "OOMKilled", "last"))]) else {
      throw TestFailed("it waits")
    }
    #expect(killed.code == "StepLost" && killed.message.contains("OOMKilled"))
  }

  // MARK: Values

  private func sight(_ job: Job, _ pods: [Pod]) throws -> StepSight { StepSight.of(job, pods, now: Self.now) }

  private func job(age: Int64 = 0, ending: String? = nil, reason: String = "BackoffLimitExceeded") throws -> Job {
    let created = Self.text(Timestamp(secondsSince1970: Self.now.secondsSince1970 - age))
    let conditions = ending.map { #"[{"type":"\#($0)","status":"True","reason":"\#(reason)","message":"m"}]"# } ?? "[]"
    return try decode(
      Job.self,
      #"{"metadata":{"name":"run-1","namespace":"demo","uid":"job","creationTimestamp":"\#(created)"},"#
        + #""status":{"conditions":\#(conditions)}}"#)
  }

  private func pod(
    _ state: String?, name: String = "run-1-a", age: Int64 = 0, owner: String = "job", conditions: String = "[]"
  ) throws -> Pod {
    let created = Self.text(Timestamp(secondsSince1970: Self.now.secondsSince1970 - age))
    let containers = state.map { #"[{"name":"step","state":\#($0)}]"# } ?? "[]"
    return try decode(
      Pod.self,
      #"{"metadata":{"name":"\#(name)","namespace":"demo","creationTimestamp":"\#(created)","ownerReferences":"#
        + #"[{"apiVersion":"batch/v1","kind":"Job","name":"run-1","uid":"\#(owner)"}]},"#
        + #""status":{"conditions":\#(conditions),"containerStatuses":\#(containers)}}"#)
  }

  private static func terminated(_ code: Int, _ reason: String, _ message: String) -> String {
    let quoted = (try? JSONEncoder().encode(message)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    return #"{"terminated":{"exitCode":\#(code),"reason":"\#(reason)","message":\#(quoted)}}"#
  }

  private static func text(_ time: Timestamp) -> String { "\(time)" }

  private func decode<Value: Decodable>(_ type: Value.Type, _ json: String) throws -> Value {
    try JSONDecoder().decode(type, from: Data(json.utf8))
  }
}
