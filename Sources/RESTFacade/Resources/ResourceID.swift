import KubeModel

/// How a caller names a resource: by its uid, by its name, or by `namespace/name`.
enum ResourceID: Sendable, Equatable {
  /// A uid. Who names a thing like a uid calls it `namespace/name`.
  case uid(String)
  case name(String)
  case key(ObjectKey)

  /// Reads an id; nil where `text` can be none.
  init?(_ text: String) {
    guard TextRule.id.accepts(text) else { return nil }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) else { return nil }
    if parts.count == 2 {
      self = .key(ObjectKey(namespace: parts[0], name: parts[1]))
    } else if Self.isUID(text) {
      self = .uid(text)
    } else {
      self = .name(text)
    }
  }

  /// Whether this is a UUID as the API server writes them.
  static func isUID(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard bytes.count == 36 else { return false }
    return bytes.enumerated().allSatisfy { index, byte in
      [8, 13, 18, 23].contains(index)
        ? byte == 0x2d : (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }
  }
}
