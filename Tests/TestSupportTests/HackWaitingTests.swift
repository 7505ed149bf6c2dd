import Foundation
import TestSupport
import Testing

/// What the scripts tell a person who waits for them.
@Suite("hack: what it waits for")
struct HackWaitingTests {
  private func path(_ script: String) throws -> String { try #require(RunningProgramTests.hackFolder) + "/" + script }

  @Test("a command that waits for another one says so, and goes on after it")
  func locked() async throws {
    let directory = try ScratchDirectory("pg").path
    let holder = try RunningProgram.start("flock", ["--no-fork", "\(directory)/lock", "sleep", "600"])
    try await eventually("the lock is held") {
      try await RunningProgram.start("flock", ["-n", "\(directory)/lock", "true"]).wait(within: .seconds(10)).ending
        != .exited(0)
    }
    let down = try RunningProgram.start(try path("postgres"), ["down", "--dir", directory])
    try await down.line(containing: "waiting for another command on \(directory)", within: .seconds(10))
    #expect(down.isRunning)
    try await holder.kill()
    #expect(try await down.wait(within: .seconds(30)).ending == .exited(0))
  }

  @Test("KUBEBUILDER_ASSETS is where the servers come from; what lacks there, is waited for, or dies, is told")
  func assets() async throws {
    let kubernetes = try path("kubernetes-build")
    let built = try await RunningProgram.run(kubernetes, environment: ["KUBEBUILDER_ASSETS": ""]).output
      .trimmingCharacters(in: .whitespacesAndNewlines)
    try await ScratchDirectory.with("assets") { assets in
      let environment = ["KUBEBUILDER_ASSETS": assets.path]
      let missing = try await RunningProgram.start(kubernetes, environment: environment).wait(within: .seconds(10))
      #expect(missing.ending == .exited(1))
      #expect(missing.errors.contains("KUBEBUILDER_ASSETS is \(assets.path), but has no kube-apiserver"))

      // An API server that ends at once.
      let server = assets.file("kube-apiserver")
      try "#!/bin/sh\necho this server has had enough; exit 7\n".write(
        toFile: server, atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: server)
      let directory = try ScratchDirectory("kube").path
      let dying = try await RunningProgram.start(
        try path("kube"), ["up", "--dir", directory], environment: environment
      ).wait(within: .seconds(60))
      #expect(dying.ending == .exited(1))
      for text in [
        "waiting for the API server on 127.0.0.1:", "this server has had enough",
        "ended while starting; its log: \(directory)/log/apiserver.log",
      ] { #expect(dying.errors.contains(text), "'\(text)' is not in \(dying.errors)") }

      // The real one, under this folder's name.
      try FileManager.default.removeItem(atPath: server)
      try FileManager.default.copyItem(atPath: "\(built)/kube-apiserver", toPath: server)
      let up = try await RunningProgram.run(try path("kube"), ["up", "--dir", directory], environment: environment)
      #expect(up.errors.contains("kube: waiting for the API server on 127.0.0.1:"), "\(up.errors)")
      #expect(up.errors.contains("is up on https://127.0.0.1:"))
      let pid = try String(contentsOfFile: "\(directory)/run/apiserver.pid", encoding: .utf8).prefix { $0 != " " }
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe") == server)
      try await RunningProgram.run(
        try path("kube"), ["down", "--remove", "--dir", directory], environment: environment)
    }
  }
}
