import Foundation
import Glibc
import KubeModel
import RESTFacade
import TestSupport
import Testing
import TidemarkAPI

@Suite("The facade as a program, and its certificate")
struct ProgramTests {
  @Test("`tidemark api` serves, says when it is ready, and ends in good order with a call under way")
  func api() async throws {
    try await FacadeBed.with("program") { bed in
      try await bed.makeDatabase()
      let program = try RunningProgram.start(
        builtProgram("tidemark"),
        [
          "api", "--kubeconfig", bed.kube.kubeconfig, "--namespace", bed.namespace, "--rest-listen", "127.0.0.1:0",
          "--log-format", "json",
        ])
      let line = try await program.line(containing: "serving the REST API", within: .seconds(60))
      let root = try #require(line.firstRange(of: "http://127.0.0.1:")).lowerBound
      let address = String(line[root...].prefix { $0 != "\"" })
      try await eventually("it is ready") {
        (try? await RunningProgram.run("curl", ["-fsS", "\(address)/readyz"])) != nil
      }
      let answer = try await RunningProgram.run(
        "curl", ["-fsS", "\(address)/api/v1/databases/shop", "-H", "Authorization: Bearer \(bed.kube.token)"])
      #expect(answer.output.contains(#""name":"shop""#))
      program.signal(SIGTERM)
      #expect(try await program.wait(within: .seconds(30)).ending == .exited(0))
      #expect(!program.errors.contains(bed.kube.token) && !program.output.contains(bed.kube.token))
    }
  }

  @Test(
    "a command line that makes no sense ends with 2",
    arguments: [
      ["api", "--service-keys-secret", "keys"], ["api", "--rest-tls-cert", "a.pem"], ["api", "--rest-listen", "here"],
      ["controller", "--rest-listen", "here"],
    ])
  func usage(_ arguments: [String]) async throws {
    let program = try RunningProgram.start(builtProgram("tidemark"), arguments)
    #expect(try await program.wait(within: .seconds(30)).ending == .exited(2))
  }

  @Test("TLS is served from files, and a certificate that is renewed is taken without a restart")
  func certificate() async throws {
    try await ScratchDirectory.with("tls") { scratch in
      let files = TLSFiles(certificate: scratch.file("tls.crt"), key: scratch.file("tls.key"))
      func make(_ name: String) async throws {
        try await RunningProgram.run(
          "openssl",
          [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj",
            "/CN=\(name)", "-keyout", files.key, "-out", files.certificate,
          ])
      }
      try await make("first")
      try await FacadeBed.with("tls", change: { $0.tls = files }) { bed in
        try await bed.call("GET", "/databases", scheme: "https").expect(200)
        #expect(try await subject(bed.port()).contains("first"))
        try await make("second")
        try await eventually(within: .seconds(30), every: .milliseconds(500), "the new certificate is shown") {
          try await subject(bed.port()).contains("second")
        }
        // Half a renewal is no renewal.
        try "nonsense".write(toFile: files.key, atomically: true, encoding: .utf8)
        try await eventually(within: .seconds(30), every: .milliseconds(500), "the log says what is wrong") {
          _ = try await subject(bed.port())
          return bed.log.text.contains("the old one stays")
        }
        #expect(try await subject(bed.port()).contains("second"))
        try await bed.call("GET", "/databases", scheme: "https").expect(200)
      }
    }
  }

  private func subject(_ port: Int) async throws -> String {
    try await RunningProgram.run(
      "bash",
      ["-c", "openssl s_client -connect 127.0.0.1:\(port) </dev/null 2>/dev/null | openssl x509 -noout -subject"]
    ).output
  }
}
