/// What `eventually` throws when the time is over.
public struct EventuallyFailed: Error, CustomStringConvertible {
  /// What did not happen, and within what time.
  public let description: String
}

/// Asks again and again until the answer is true, and fails when that takes longer than `bound`.
///
/// `what` ends the sentence 'it did not happen that …'. An error from `condition` ends the waiting at once.
public func eventually(
  within bound: Duration = .seconds(30), every pause: Duration = .milliseconds(20), _ what: String = "it is so",
  isolation: isolated (any Actor)? = #isolation, _ condition: () async throws -> Bool
) async throws {
  _ = try await eventually(within: bound, every: pause, what) { try await condition() ? true : nil }
}

/// Asks again and again until there is an answer, and gives it; fails when that takes longer than `bound`.
public func eventually<Value>(
  within bound: Duration = .seconds(30), every pause: Duration = .milliseconds(20), _ what: String = "it is so",
  isolation: isolated (any Actor)? = #isolation, _ value: () async throws -> Value?
) async throws -> Value {
  let deadline = ContinuousClock.now + bound
  while true {
    if let value = try await value() { return value }
    guard ContinuousClock.now < deadline else {
      throw EventuallyFailed(description: "within \(bound) it did not happen that \(what)")
    }
    try await Task.sleep(for: pause)
  }
}
