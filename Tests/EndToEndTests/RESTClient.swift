import Foundation
import Glibc
import Synchronization
import TestSupport

/// A REST API of a bed's namespace, and curl to call it.
final class RESTClient: Sendable {
  /// An answer as curl shows it.
  struct Answer: Sendable {
    let status: String
    let body: String
    /// Where the thing to poll is; empty where the answer names none.
    let location: String
  }

  private let root: String
  private let namespace: String
  private let program: RunningProgram
  private let scratch: ScratchDirectory
  private let answers = Mutex("")

  /// Starts `tidemark api`, and waits until it is ready.
  init(_ bed: Bed) async throws {
    scratch = try ScratchDirectory("rest")
    namespace = bed.namespace
    program = try RunningProgram.start(
      builtProgram("tidemark"),
      ["api", "--kubeconfig", bed.kube.kubeconfig, "--namespace", bed.namespace, "--rest-listen", "127.0.0.1:0"])
    let line = try await program.line(containing: "serving the REST API", within: .seconds(60))
    guard let start = line.firstRange(of: "http://127.0.0.1:") else {
      throw UnexpectedAnswer(description: "no address in '\(line)'")
    }
    root = String(line[start.lowerBound...].prefix { !$0.isWhitespace })
    // In a file, so that no argument holds it.
    try "Authorization: Bearer \(bed.kube.token)\n".write(
      toFile: scratch.file("headers"), atomically: true, encoding: .utf8)
    try await eventually(within: .seconds(60), "the REST API is ready") {
      (try? await RunningProgram.run("curl", ["-fsS", "\(root)/readyz"])) != nil
    }
  }

  /// All that it answered and logged.
  var said: String { answers.withLock { $0 } + program.output + program.errors }

  /// Makes a call; the path is below `/api/v1/`, or a whole one.
  func call(_ method: String, _ path: String, _ body: String? = nil) async throws -> Answer {
    let (head, answer) = (scratch.file("head"), scratch.file("answer"))
    var arguments = ["-sS", "-X", method, "-H", "@\(scratch.file("headers"))", "-D", head, "-o", answer]
    if let body {
      try body.write(toFile: scratch.file("body"), atomically: true, encoding: .utf8)
      arguments += ["-H", "Content-Type: application/json", "--data-binary", "@\(scratch.file("body"))"]
    }
    let url = path.hasPrefix("/") ? root + path : "\(root)/api/v1/\(path)"
    let status = try await RunningProgram.run("curl", arguments + ["-w", "%{http_code}", url]).output
    let heads = (try? String(contentsOfFile: head, encoding: .utf8)) ?? ""
    let text = (try? String(contentsOfFile: answer, encoding: .utf8)) ?? ""
    answers.withLock { $0 += heads + text }
    let location = heads.split(whereSeparator: \.isNewline)
      .first { $0.lowercased().hasPrefix("location: ") }.map { String($0.dropFirst("location: ".count)) }
    return Answer(status: status, body: text, location: location ?? "")
  }

  /// Starts work, and gives the path to poll.
  func start(_ path: String, _ body: String) async throws -> String {
    let answer = try await call("POST", path, body)
    guard answer.status == "202", !answer.location.isEmpty else {
      throw UnexpectedAnswer(description: "POST \(path): \(answer.status) \(answer.body)")
    }
    return answer.location
  }

  /// Polls until the status is the one expected; fails at once where it is `Failed`.
  func wait(for status: String, at path: String) async throws {
    try await eventually(within: .seconds(180), every: .milliseconds(500), "\(path) is \(status)") {
      let body = try await call("GET", path).body
      guard !body.contains(#""status":"Failed""#) else {
        throw UnexpectedAnswer(description: body)
      }
      return body.contains("\"status\":\"\(status)\"")
    }
  }

  /// Ends the REST API in good order.
  func end() async throws {
    program.signal(SIGTERM)
    try await program.wait(within: .seconds(30))
  }
}

/// The REST API said something else than the test needs to go on.
struct UnexpectedAnswer: Error, CustomStringConvertible {
  let description: String
}
