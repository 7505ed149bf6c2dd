/// Something in a spec that can't be carried out, with what would be right.
public struct SpecProblem: Hashable, Sendable, CustomStringConvertible {
  /// The field's path below `spec`, for example `connection.port`.
  public var field: String
  /// What is wrong and what would be right.
  public var message: String

  /// A problem of `field`.
  public init(_ field: String, _ message: String) { (self.field, self.message) = (field, message) }

  public var description: String { "spec.\(field): \(message)" }
}

extension [SpecProblem] {
  /// All problems as one sentence for a condition.
  public var summary: String { map(\.description).joined(separator: "; ") }
}

/// A spec that knows what a schema can't say of it.
public protocol ValidatedSpec {
  /// Everything that is wrong, in the order of the fields; empty when the spec can be carried out.
  func problems() -> [SpecProblem]
}

/// A Kubernetes object's name: a DNS label or several, as RFC 1123 has it.
func nameProblem(_ field: String, _ name: String) -> SpecProblem? {
  let isName =
    (1...253).contains(name.utf8.count)
    && name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
      !label.isEmpty && label.first != "-" && label.last != "-"
        && label.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d }
    }
  guard !isName else { return nil }
  return SpecProblem(
    field,
    name.isEmpty
      ? "is empty; expected the name of a resource in the same namespace"
      : "'\(name)' is no resource name; expected lower-case letters, digits, '-' and '.'")
}
