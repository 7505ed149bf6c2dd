import Foundation
import TestSupport

extension Bed {
  /// The messages of an object's events of one reason, in the order in which they were first seen.
  func events(_ object: String, _ reason: String) async throws -> [String] {
    let name = object.split(separator: "/").last.map(String.init) ?? object
    let selector = "--field-selector=involvedObject.name=\(name),reason=\(reason)"
    let listing = try await kubectl(
      "get", "events", selector, "--sort-by=.firstTimestamp", "-o", "jsonpath={range .items[*]}{.message}{'\\n'}{end}")
    return listing.split(separator: "\n").map(String.init)
  }

  /// Waits until an object has a condition Ready of this reason and an event of it, each with these words.
  func eventuallyAnswers(
    _ object: String, _ reason: String, _ words: String, within bound: Duration = .seconds(60)
  ) async throws {
    let condition = ".status.conditions[?(@.type==\"Ready\")]"
    try await eventually(within: bound, every: .milliseconds(300), "\(object) says \(reason): \(words)") {
      guard try await field(object, "\(condition).reason") == reason else { return false }
      return try await field(object, "\(condition).message").contains(words)
    }
    try await eventually(within: bound, every: .milliseconds(300), "an event of \(object) says \(reason): \(words)") {
      try await events(object, reason).contains { $0.contains(words) }
    }
  }
}
