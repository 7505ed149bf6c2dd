import Foundation
import KubeModel
import NIOCore
import NIOFoundationCompat

/// Reads the fields of a JSON object and remembers all that is wrong with them, so that one answer names it all.
///
/// Ask for every field that is known, then call `finish`: a field that nobody asked for is unknown, and refused. A
/// `null` is no value of any type, but for fields that a change may remove.
struct BodyReader {
  private let fields: [String: JSONValue]
  /// What stands before a field's name in messages: `retention.` within that object.
  private let path: String
  private var known: Set<String> = []
  private var problems: [String: String] = [:]

  private init(_ fields: [String: JSONValue], path: String) { (self.fields, self.path) = (fields, path) }

  /// The fields of a body. No bytes at all are an object without fields, so that a call whose fields are all optional
  /// needs no body.
  init(_ bytes: ByteBuffer) throws {
    guard bytes.readableBytes > 0 else {
      self.init([:], path: "")
      return
    }
    let value: JSONValue
    do {
      value = try JSONDecoder().decode(JSONValue.self, from: bytes)
    } catch {
      throw FacadeError(.badRequest, "the body is no JSON; expected one JSON object in UTF-8")
    }
    guard case .object(let fields) = value else {
      throw FacadeError(.badRequest, "the body is no JSON object; expected {\"field\": value, …}")
    }
    self.init(fields, path: "")
  }

  /// The value of a field that the body names and whose value is not `null`.
  private mutating func value(_ name: String, nullable: Bool = false) -> JSONValue? {
    known.insert(name)
    guard let value = fields[name] else { return nil }
    if value == .null, !nullable { refuse(name, "is null; leave it out, or give a value") }
    // Not `nil`: within a JSONValue that is a `null` too, and no absent one.
    return value == .null ? Optional<JSONValue>.none : .some(value)
  }

  /// Remembers that something is wrong with a field.
  mutating func refuse(_ name: String, _ message: String) {
    if problems[path + name] == nil { problems[path + name] = message }
  }

  /// Whether the body names the field.
  func names(_ name: String) -> Bool { fields[name] != nil }

  /// A text; nil where the body does not name it.
  mutating func text(_ name: String, _ rule: TextRule) -> String? {
    guard let value = value(name) else { return nil }
    return text(value, name, rule)
  }

  /// A text that must be there.
  mutating func requiredText(_ name: String, _ rule: TextRule) -> String? {
    if fields[name] == nil { refuse(name, "is missing; expected \(rule.expected)") }
    return text(name, rule)
  }

  /// A text that a change sets, removes by `null`, or leaves alone.
  mutating func change(_ name: String, _ rule: TextRule) -> FieldChange<String> {
    guard names(name) else {
      known.insert(name)
      return .leave
    }
    guard let value = value(name, nullable: true) else { return .remove }
    return text(value, name, rule).map { .set($0) } ?? .leave
  }

  private mutating func text(_ value: JSONValue, _ name: String, _ rule: TextRule) -> String? {
    guard let text = value.text else {
      refuse(name, "is no text; expected \(rule.expected)")
      return nil
    }
    guard rule.accepts(text) else {
      refuse(name, "has a value that does not fit; expected \(rule.expected)")
      return nil
    }
    return text
  }

  /// One of a kind's words.
  mutating func word<Word: RawRepresentable<String> & CaseIterable>(_ name: String, _ type: Word.Type) -> Word? {
    text(name, .word(of: type)).flatMap { Word(rawValue: $0) }
  }

  /// A boolean.
  mutating func bool(_ name: String) -> Bool? {
    guard let value = value(name) else { return nil }
    guard case .bool(let bool) = value else {
      refuse(name, "is no boolean; expected true or false")
      return nil
    }
    return bool
  }

  /// A whole number.
  mutating func integer(_ name: String, in range: ClosedRange<Int>) -> Int? {
    guard let value = value(name) else { return nil }
    guard case .integer(let integer) = value, let number = Int(exactly: integer), range.contains(number) else {
      refuse(name, "is no whole number from \(range.lowerBound) to \(range.upperBound)")
      return nil
    }
    return number
  }

  /// Texts, at most a hundred; nil where the body does not name them.
  mutating func texts(_ name: String, _ rule: TextRule) -> [String]? {
    guard let value = value(name) else { return nil }
    guard case .array(let items) = value, (1...Self.mostItems).contains(items.count) else {
      refuse(name, "is no array of 1 to \(Self.mostItems) texts")
      return nil
    }
    let texts = items.compactMap { text($0, name, rule) }
    return texts.count == items.count ? texts : nil
  }

  /// Objects, at most a hundred, each read by `read`; nil where the body does not name them.
  mutating func objects<Value>(_ name: String, _ read: (inout BodyReader) -> Value?) -> [Value]? {
    guard let value = value(name) else { return nil }
    guard case .array(let items) = value, (1...Self.mostItems).contains(items.count) else {
      refuse(name, "is no array of 1 to \(Self.mostItems) objects")
      return nil
    }
    var values: [Value] = []
    for (index, item) in items.enumerated() {
      guard case .object(let fields) = item else {
        refuse(name, "holds something else than objects; expected [{\"field\": value, …}, …]")
        return nil
      }
      var inner = BodyReader(fields, path: "\(path)\(name)[\(index)].")
      if let value = read(&inner) { values.append(value) }
      problems.merge(inner.allProblems) { first, _ in first }
    }
    return values
  }

  /// How many items an array may have.
  private static let mostItems = 100

  /// An object within, read by `read`; nil where the body does not name it.
  mutating func object<Value>(_ name: String, _ read: (inout BodyReader) -> Value?) -> Value? {
    guard let value = value(name) else { return nil }
    guard case .object(let fields) = value else {
      refuse(name, "is no object; expected {\"field\": value, …}")
      return nil
    }
    var inner = BodyReader(fields, path: "\(path)\(name).")
    let result = read(&inner)
    problems.merge(inner.allProblems) { first, _ in first }
    return result
  }

  private var allProblems: [String: String] {
    var all = problems
    for name in fields.keys where !known.contains(name) {
      let expected = known.isEmpty ? "this call takes no fields" : "known are \(known.sorted().joined(separator: ", "))"
      all[path + String(name.prefix(64))] = "is unknown; \(expected)"
    }
    return all
  }

  /// Throws a 400 that names everything that is wrong; nothing where nothing is.
  func finish() throws {
    let all = allProblems
    guard !all.isEmpty else { return }
    throw FacadeError(.badRequest, all.summary, fields: all)
  }
}

/// What a change does to one field.
enum FieldChange<Value: Sendable>: Sendable {
  /// The body does not name it.
  case leave
  /// The body says `null`.
  case remove
  /// The body gives a value.
  case set(Value)

  /// Does it to `field`.
  func apply(to field: inout Value?) {
    switch self {
    case .leave: break
    case .remove: field = nil
    case .set(let value): field = value
    }
  }
}
