import Hummingbird
import HummingbirdCore

/// Reads the parameters of a query, as `BodyReader` reads a body: what nobody asks for is unknown, and refused.
struct QueryReader {
  private let values: [String: String]
  private var known: Set<String> = []
  private var problems: [String: String] = [:]

  init(_ uri: URI) throws {
    var values: [String: String] = [:]
    for (name, value) in uri.queryParameters {
      guard values.updateValue(String(value), forKey: String(name)) == nil else {
        throw FacadeError.field(String(name.prefix(64)), "is given twice in the query; give it once")
      }
    }
    self.values = values
  }

  /// A text; nil where the query does not have it.
  mutating func text(_ name: String, _ rule: TextRule) -> String? {
    known.insert(name)
    guard let value = values[name] else { return nil }
    guard rule.accepts(value) else {
      problems[name] = "has a value that does not fit; expected \(rule.expected)"
      return nil
    }
    return value
  }

  /// A whole number.
  mutating func integer(_ name: String, in range: ClosedRange<Int>) -> Int? {
    let rule = TextRule("a whole number from \(range.lowerBound) to \(range.upperBound)") { text in
      text.utf8.allSatisfy { (0x30...0x39).contains($0) } && (Int(text).map { range.contains($0) } ?? false)
    }
    return text(name, rule).flatMap { Int($0) }
  }

  /// `true` or `false`.
  mutating func bool(_ name: String) -> Bool? {
    text(name, TextRule("true or false") { $0 == "true" || $0 == "false" }).map { $0 == "true" }
  }

  /// Throws a 400 that names everything that is wrong; nothing where nothing is.
  func finish() throws {
    var all = problems
    for name in values.keys where !known.contains(name) {
      let expected =
        known.isEmpty ? "this call takes no parameters" : "known are \(known.sorted().joined(separator: ", "))"
      all[String(name.prefix(64))] = "is an unknown parameter; \(expected)"
    }
    guard !all.isEmpty else { return }
    throw FacadeError(.badRequest, all.summary, fields: all)
  }
}
