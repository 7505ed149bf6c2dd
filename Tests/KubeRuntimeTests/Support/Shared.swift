import Synchronization

/// A value that a test and its tasks share.
final class Shared<Value: Sendable>: Sendable {
  private let mutex: Mutex<Value>

  init(_ value: Value) { mutex = Mutex(value) }

  /// A copy of the value.
  var value: Value { mutex.withLock { $0 } }

  /// Changes the value, alone.
  func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
    mutex.withLock { body(&$0) }
  }
}
