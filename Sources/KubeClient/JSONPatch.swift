public import KubeModel

/// A place in a JSON document (RFC 6901).
public struct JSONPointer: Sendable, Hashable, CustomStringConvertible, ExpressibleByArrayLiteral,
  ExpressibleByStringLiteral
{
  /// The pointer's text, for example `/metadata/annotations/example.com~1note`.
  public let description: String

  /// The place that the tokens lead to; they are escaped here.
  public init(_ tokens: [String]) {
    description = tokens.map { token in
      "/" + token.map { $0 == "~" ? "~0" : $0 == "/" ? "~1" : String($0) }.joined()
    }.joined()
  }

  /// The place that the tokens lead to; they are escaped here.
  public init(arrayLiteral tokens: String...) { self.init(tokens) }

  /// A pointer that is escaped already.
  public init(stringLiteral text: String) { description = text }
}

/// One step of a JSON patch (RFC 6902). All steps of a patch happen, or none does.
public enum JSONPatchOperation: Sendable, Hashable, Encodable {
  /// Puts a value at a place; in an array before the one that is there, or with `-` at the end.
  case add(JSONPointer, JSONValue)
  /// Removes what is at a place; it must be there.
  case remove(JSONPointer)
  /// Puts a value in place of the one that is there.
  case replace(JSONPointer, JSONValue)
  /// Goes on only if this value is there; the server answers 422 otherwise.
  case test(JSONPointer, JSONValue)

  private enum CodingKeys: String, CodingKey { case op, path, value }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .add(let path, let value): try encode("add", path, value, to: &container)
    case .remove(let path): try encode("remove", path, nil, to: &container)
    case .replace(let path, let value): try encode("replace", path, value, to: &container)
    case .test(let path, let value): try encode("test", path, value, to: &container)
    }
  }

  private func encode(
    _ operation: String, _ path: JSONPointer, _ value: JSONValue?,
    to container: inout KeyedEncodingContainer<CodingKeys>
  ) throws {
    try container.encode(operation, forKey: .op)
    try container.encode(path.description, forKey: .path)
    if let value { try container.encode(value, forKey: .value) }
  }
}
