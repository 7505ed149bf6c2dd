import Glibc

/// Why a server or a program that a test needs could not be had. Tests do not tell these apart: they fail.
public struct TestSupportError: Error, CustomStringConvertible {
  /// What was tried and what came of it.
  public let description: String

  /// A failure that `description` tells of.
  public init(_ description: String) { self.description = description }

  static func system(_ operation: String, _ code: Int32) -> TestSupportError {
    TestSupportError("\(operation): \(String(cString: strerror(code)))")
  }
}
