import Foundation
import Glibc
import Steps
import TestSupport
import Testing
import TidemarkAPI

@Suite("The local step runner")
struct LocalStepRunnerTests {
  private static let forever = "echo ready; exec sleep 600"

  @Test("a step that is started twice runs once, and another life of the controller finds it")
  func idempotentStart() async throws {
    try await ScriptedRunner.with { steps in
      let request = steps.request(Self.forever)
      #expect(try await steps.runner.state(of: steps.id) == .absent)
      try await steps.runner.start(request)
      try await steps.ready()
      try await steps.runner.start(request)
      try await steps.reborn().start(request)
      #expect(steps.starts == 1)
      #expect(try await steps.reborn().state(of: steps.id) == .running)
      #expect(try await steps.reborn().known() == [steps.id])
    }
  }

  @Test("the result of a step is read by whoever asks, and a step with a result is not run again")
  func result() async throws {
    try await ScriptedRunner.with { steps in
      let request = steps.request(#"cp "$done" "$result.new"; mv "$result.new" "$result""#)
      try await steps.runner.start(request)
      #expect(try await steps.ended() == .ended(.done(.nothing)))
      #expect(try await steps.reborn().state(of: steps.id) == .ended(.done(.nothing)))
      try await steps.runner.start(request)
      #expect(steps.starts == 1)
      try await steps.runner.discard(steps.id)
      #expect(try await steps.runner.state(of: steps.id) == .absent)
    }
  }

  @Test("a step that is killed is lost, with its last words, and can be started anew")
  func lost() async throws {
    try await ScriptedRunner.with { steps in
      try await steps.runner.start(steps.request(Self.forever))
      try await steps.ready()
      kill(try steps.processID(), SIGKILL)
      #expect(try await steps.ended() == .lost(lastWords: "ready"))
      try await steps.runner.start(steps.request(Self.forever))
      try await eventually("it is started again") { steps.starts == 2 }
      #expect(try await steps.runner.state(of: steps.id) == .running)
    }
  }

  @Test("a step that is asked to stop may end by itself; when stop returns nothing runs")
  func stopAsks() async throws {
    try await ScriptedRunner.with { steps in
      let polite = #"trap 'cp "$done" "$result"; exit 0' TERM; echo ready; while :; do sleep 0.05; done"#
      try await steps.runner.start(steps.request(polite))
      try await steps.ready()
      try await steps.runner.stop(steps.id)
      #expect(try await steps.runner.state(of: steps.id) == .ended(.done(.nothing)))
      try await steps.runner.stop(steps.id)
    }
  }

  @Test("a step that does not heed the request to stop is killed after the bound")
  func stopKills() async throws {
    try await ScriptedRunner.with(stopBound: .milliseconds(300)) { steps in
      try await steps.runner.start(steps.request("trap '' TERM; \(Self.forever)"))
      try await steps.ready()
      let began = ContinuousClock.now
      try await steps.runner.stop(steps.id)
      #expect(ContinuousClock.now - began >= .milliseconds(300))
      #expect(try await steps.runner.state(of: steps.id) == .lost(lastWords: "ready"))
    }
  }

  @Test("secrets lie in files of mode 0600, not in argv or input, and are gone after the run is discarded")
  func secrets() async throws {
    try await ScriptedRunner.with { steps in
      let secret = "s3cr3t-\(UInt64.random(in: 0 ... .max))"
      try await steps.runner.start(steps.request(Self.forever, secrets: ["password": Array(secret.utf8)]))
      try await steps.ready()
      let file = "\(steps.folder)/secrets/password"
      #expect(try String(contentsOfFile: file, encoding: .utf8) == secret)
      #expect(try mode(of: file) == 0o600 && mode(of: "\(steps.folder)/secrets") == 0o700)
      #expect(try mode(of: "\(steps.folder)/input.json") == 0o600)
      for path in ["/proc/\(try steps.processID())/cmdline", "/proc/\(try steps.processID())/environ"] {
        #expect(!String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self).contains(secret))
      }
      for name in ["input.json", "fingerprint", "log"] {
        #expect(try !String(contentsOfFile: "\(steps.folder)/\(name)", encoding: .utf8).contains(secret))
      }
      try await steps.runner.stop(steps.id)
      try await steps.runner.discard(steps.id)
      #expect(!FileManager.default.fileExists(atPath: steps.folder))
    }
  }

  private func mode(of path: String) throws -> Int? {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return (attributes[.posixPermissions] as? NSNumber)?.intValue
  }

  @Test("a run is current until its input or one of its secrets is another")
  func isCurrent() async throws {
    try await ScriptedRunner.with { steps in
      let request = steps.request(Self.forever, secrets: ["key": [1]])
      try await steps.runner.start(request)
      #expect(try await steps.runner.isCurrent(request))
      #expect(try await !steps.runner.isCurrent(steps.request(Self.forever, secrets: ["key": [2]])))
      #expect(try await !steps.runner.isCurrent(steps.request(Self.forever, secrets: ["other": [1]])))
      #expect(try await !steps.runner.isCurrent(steps.request("exit 0", secrets: ["key": [1]])))
    }
  }

  @Test("a run at work can't be discarded")
  func discardAtWork() async throws {
    try await ScriptedRunner.with { steps in
      try await steps.runner.start(steps.request(Self.forever))
      let error = await #expect(throws: StepError.self) { try await steps.runner.discard(steps.id) }
      #expect(error?.code == .stillRunning)
    }
  }
}
