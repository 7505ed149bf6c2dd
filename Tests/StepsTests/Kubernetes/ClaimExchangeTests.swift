import Foundation
import KubeModel
import Steps
import TestSupport
import Testing

@Suite("Which volume belongs to which instance")
struct ClaimExchangeTests {
  private static func plan(
    live: String = "a", aside: String = "b", to incoming: String = "new", from outgoing: String = "old",
    notes: [String: String] = ["a": "old", "b": "new"]
  ) throws -> ClaimExchange {
    try ClaimExchange.plan(live: live, aside: aside, incoming: incoming, outgoing: outgoing, notes: notes)
  }

  @Test("what is noted before the first exchange tells what is to be done after any crash")
  func crashes() throws {
    for notes in [[:], ["a": "old"], ["b": "new"]] {
      let first = try Self.plan(notes: notes)
      #expect(first.notes.merging(notes) { $1 } == ["a": "old", "b": "new"])
      #expect(first.live == "b" && first.aside == "a")
    }
    let half = try Self.plan(live: "b", aside: "b")
    #expect(half.notes.isEmpty && half.live == nil && half.aside == "a")
    let done = try Self.plan(live: "b", aside: "a")
    #expect(done.notes.isEmpty && done.live == nil && done.aside == nil)
    let back = try Self.plan(live: "b", aside: "a", to: "old", from: "new")
    #expect(back.live == "a" && back.aside == "b")
    let halfBack = try Self.plan(live: "a", aside: "a", to: "old", from: "new")
    #expect(halfBack.live == nil && halfBack.aside == "b")
  }

  @Test("volumes of other incarnations are left alone")
  func refuses() {
    #expect(throws: StepError.self) { try Self.plan(notes: ["a": "third"]) }
    #expect(throws: StepError.self) { try Self.plan(live: "c") }
    #expect(throws: StepError.self) { try Self.plan(aside: "a", notes: [:]) }
    #expect(throws: StepError.self) { try Self.plan(to: "old") }
  }
}

@Suite("What a pod says of a server that does not answer")
struct InstancePodSightTests {
  private static func pod(_ status: String) throws -> Pod {
    try JSONDecoder().decode(Pod.self, from: Data(#"{"metadata":{"name":"clone-1-0"},"status":\#(status)}"#.utf8))
  }

  private static func server(_ state: String, restarts: Int = 0, last: String = "{}") -> String {
    """
    {"phase":"Running","containerStatuses":[{"name":"postgresql","restartCount":\(restarts),"state":\(state),
    "lastState":\(last)}]}
    """
  }

  private static let ended = #"{"terminated":{"exitCode":1,"reason":"Error","message":"LOG: a\nFATAL: no log"}}"#
  private static let backOff = #"{"waiting":{"reason":"CrashLoopBackOff","message":"back-off"}}"#

  @Test(
    "states",
    arguments: [
      ("{}", InstanceState.starting),
      (server(#"{"waiting":{"reason":"PodInitializing"}}"#), .starting),
      (server(#"{"running":{}}"#), .starting),
      // It was started again, and may come this time.
      (server(#"{"running":{}}"#, restarts: 5, last: ended), .starting),
      (
        #"{"conditions":[{"type":"PodScheduled","status":"False","reason":"Unschedulable","message":"0/1 nodes"}]}"#,
        .waiting(message: "pod clone-1-0 has no node: 0/1 nodes")
      ),
      (
        server(#"{"waiting":{"reason":"ImagePullBackOff","message":"no such image"}}"#),
        .waiting(message: "pod clone-1-0: ImagePullBackOff: no such image")
      ),
      (
        #"{"initContainerStatuses":[{"name":"program","state":\#(ended)}]}"#,
        .waiting(message: "container program of pod clone-1-0: FATAL: no log")
      ),
      (
        server(ended, restarts: 1),
        .waiting(message: "the server ended and is started again; it last said: FATAL: no log")
      ),
      (server(backOff, restarts: 3, last: ended), .failed(message: "FATAL: no log")),
      (
        server(backOff, restarts: 9, last: #"{"terminated":{"exitCode":137,"reason":"OOMKilled"}}"#),
        .failed(message: "OOMKilled (exit code 137)")
      ),
    ])
  func states(_ status: String, _ expected: InstanceState) throws {
    #expect(InstancePodSight.state(try Self.pod(status)) == expected)
  }
}

@Suite("A copy of the program")
struct ProgramCopyTests {
  @Test("it runs with nothing but its own libraries and loader")
  func runs() async throws {
    try await ScratchDirectory.with("copy") { scratch in
      let program = try builtProgram("tidemark")
      for _ in 1...2 { try await ProgramCopy(of: program, in: scratch.path).make() }
      let version = try await RunningProgram.run(scratch.file("tidemark"), ["version"]).output
      #expect(try await RunningProgram.run(program, ["version"]).output == version)
      let library = scratch.file("lib")
      let listing = try await RunningProgram.run(
        "\(library)/ld.so", ["--library-path", library, "--list", "\(library)/tidemark"]
      ).output
      let libraries = try ProgramCopy.libraries(ofListing: listing)
      #expect(libraries.contains { $0.name.hasPrefix("libc.so") })
      #expect(libraries.allSatisfy { $0.path.hasPrefix(library) }, "\(listing)")
    }
  }
}
