import Foundation
import HTTPTypes
import KubeClient
import KubeModel
import RESTFacade
import TestSupport
import Testing
import TidemarkAPI

@Suite("Every endpoint is documented by an example that works")
struct DocumentedExamplesTests {
  private static func examples() throws -> [Example] {
    try Example.read(String(contentsOfFile: FacadeBed.checkout("docs/rest-api.md"), encoding: .utf8))
  }

  @Test("every route has an example, and no example has another route")
  func complete() throws {
    let documented = Set(try Self.examples().map(\.heading))
    #expect(documented == Set(Router.facade.routes.map { "\($0.method.rawValue) \($0.path)" }))
  }

  @Test("the examples, run by curl in their order, answer what the page says")
  func run() async throws {
    struct Accepting: DestinationValidator {
      func validate(_ spec: BackupDestinationSpec, _ secrets: DestinationSecrets) async throws -> DestinationVerdict {
        .valid(milliseconds: 41)
      }
    }
    let platform = FacadePlatform(validator: Accepting(), uploads: KeptUploads())
    try await FacadeBed.with("examples", platform: platform) { bed in
      try await bed.makeDestination("old-backups")
      let window = RecoveryWindowStatus(
        earliest: MicroTime("2024-01-10T00:00:00Z"), latest: MicroTime("2024-01-20T00:00:00Z"),
        latestLSN: "0/5000000")
      try await bed.makeDatabase(destination: "s3-backups", window: window)
      try await bed.client.create(
        Secret(
          metadata: ObjectMeta(name: "s3-backups-repository-password", namespace: bed.namespace),
          strings: ["password": "sealed-with-this"]))
      try await bed.makeBackup("shop-before-the-migration", phase: .completed)
      try await bed.makeBackup("shop-of-yesterday", phase: .completed)
      try await bed.makeRestore("shop-rescue", phase: .readyToSwitch)
      try await bed.makeWorkload("web")
      try await bed.makeBucket("assets")
      try await bed.makeVolumeBackup("web-1", of: "web")
      try await bed.eventuallyGet("/restores/shop-rescue") { $0.data["status"] == "ReadyToSwitch" }
      // What the page's backups are stored in is the example's destination, which is made first.
      for name in ["shop-before-the-migration", "shop-of-yesterday", "web-1"] {
        try await bed.eventuallyGet("/backups/\(name)") { $0.data["status"] == "Completed" }
      }
      for example in try Self.examples() { try await check(example, bed) }
    }
  }

  private func check(_ example: Example, _ bed: FacadeBed) async throws {
    let (status, body) = try await ScratchDirectory.with("example") { scratch in
      let answer = scratch.file("body")
      let script = "curl() { command curl -sS -o \"$ANSWER\" -w '%{http_code}' \"$@\"; }\n" + example.script
      let printed = try await RunningProgram.run(
        "bash", ["-euo", "pipefail", "-c", script],
        environment: [
          "API": "http://127.0.0.1:\(bed.port())/api/v1", "TOKEN": bed.kube.token, "ANSWER": answer,
        ], within: .seconds(60)
      ).output
      return (printed, (try? String(contentsOfFile: answer, encoding: .utf8)) ?? "")
    }
    #expect(status == example.status, "\(example.heading): \(body)")
    guard let shown = example.answer else { return }
    let shownJSON = try JSONDecoder().decode(JSONValue.self, from: Data(shown.utf8))
    let answered = try JSONDecoder().decode(JSONValue.self, from: Data(body.utf8))
    #expect(Self.fields(of: shownJSON).isSubset(of: Self.fields(of: answered)), "\(example.heading): \(body)")
  }

  /// The paths of all fields.
  private static func fields(of value: JSONValue, _ path: String = "") -> Set<String> {
    guard case .object(let fields) = value else { return [path] }
    return fields.reduce(into: [path]) { $0.formUnion(Self.fields(of: $1.value, "\(path).\($1.key)")) }
  }
}

/// A command of the page, what it should answer, and below which heading it stands.
struct Example {
  var heading: String
  var status: String
  var script: String
  /// The answer that the page shows, if it does.
  var answer: String?

  /// Reads the blocks that begin with the word `sh` and a status, and the JSON blocks that follow them.
  static func read(_ page: String) throws -> [Example] {
    var (examples, heading): ([Example], String) = ([], "")
    var lines = page.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)[...]
    func block() throws -> String {
      guard let end = lines.firstIndex(of: "```") else { throw BedError("a block does not end") }
      defer { lines = lines[(end + 1)...] }
      return lines[..<end].joined(separator: "\n")
    }
    while let line = lines.popFirst() {
      if line.hasPrefix("### `") { heading = String(line.dropFirst(5).dropLast()) }
      if line.hasPrefix("```sh ") {
        examples.append(
          Example(heading: heading, status: String(line.dropFirst(6)), script: try block()))
      } else if line == "```json", !examples.isEmpty {
        examples[examples.count - 1].answer = try block()
      }
    }
    return examples
  }
}
