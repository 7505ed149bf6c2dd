import Foundation
import Glibc
import Logging
import Steps
import TestSupport

/// A local runner whose program is a shell script: a step's input is what the shell does.
///
/// The shell finds the result's path in `$result`, a result that says 'done' in `$done`, and each start adds a line to
/// the file `starts`.
struct ScriptedRunner {
  let scratch: ScratchDirectory
  let runner: LocalStepRunner
  let id = StepID(namespace: "demo", name: "run-1")

  init(stopBound: Duration = .seconds(20)) throws {
    scratch = try ScratchDirectory("steps")
    let program = scratch.file("program")
    let done = scratch.file("done.json")
    try StepResult.done(.nothing).write(to: done)
    try """
    #!/bin/sh
    # step NAME --input FILE --result FILE
    echo start >>'\(scratch.file("starts"))'
    result=$6 done='\(done)'
    . "$4"
    """.write(toFile: program, atomically: true, encoding: .utf8)
    chmod(program, 0o755)
    runner = Self.runner(scratch, stopBound)
  }

  /// The same runner in another life of the controller.
  func reborn() -> LocalStepRunner { Self.runner(scratch, .seconds(20)) }

  private static func runner(_ scratch: ScratchDirectory, _ stopBound: Duration) -> LocalStepRunner {
    LocalStepRunner(
      stateDirectory: scratch.file("state"), program: scratch.file("program"), stopBound: stopBound,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  func request(_ script: String, secrets: [String: [UInt8]] = [:]) -> StepRequest {
    StepRequest(
      id: id, subject: StepSubject(apiVersion: "v1", kind: "Thing", name: "thing", uid: "1"), step: .forget,
      input: Array((script + "\n").utf8), secrets: secrets)
  }

  /// The run's folder.
  var folder: String { scratch.file("state/steps/demo/run-1") }

  /// How often the program was started.
  var starts: Int {
    ((try? String(contentsOfFile: scratch.file("starts"), encoding: .utf8)) ?? "").split(separator: "\n").count
  }

  /// The process id of the run.
  func processID() throws -> Int32 {
    let text = try String(contentsOfFile: "\(folder)/pid", encoding: .utf8)
    return Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
  }

  /// Waits until the script has come as far as its line `echo ready`.
  func ready() async throws {
    try await eventually("the script is ready") {
      ((try? String(contentsOfFile: "\(folder)/log", encoding: .utf8)) ?? "").contains("ready")
    }
  }

  /// Waits until the run has ended, and says how.
  func ended() async throws -> StepState {
    try await eventually("the run ends") {
      let state = try await runner.state(of: id)
      return state == .running ? nil : state
    }
  }

  /// Ends what runs and removes all.
  func remove() async throws {
    try await LocalStepRunner(
      stateDirectory: scratch.file("state"), program: "", stopBound: .zero, logger: Logger(label: "test")
    ).stop(id)
    scratch.remove()
  }

  static func with(stopBound: Duration = .seconds(20), _ body: (ScriptedRunner) async throws -> Void) async throws {
    let scripted = try ScriptedRunner(stopBound: stopBound)
    do {
      try await body(scripted)
    } catch {
      try await scripted.remove()
      throw error
    }
    try await scripted.remove()
  }
}
