public import Repository

/// How the key of an object is written as a path in a snapshot, and read back.
///
/// A key is cut at its slashes. So that every key has a path of its own, and the path is one that a file system takes:
/// - `%` is written `%25`; a part that is `.` or `..` is written `%2E` or `%2E%2E`;
/// - a lone `%` at the end of a part means nothing: it stands for an empty part (`a//b` is `a/%/b`, `a/` is `a/%`), and
///   behind the name of an object that has the same name as a directory beside it (`a` and `a/b` are `a%` and `a/b`;
///   `a/` and `a//b` are `a/%%` and `a/%/b`).
public struct ObjectPath: Hashable, Sendable {
  /// The directories from the root on, as names in the snapshot.
  public let directories: [ByteString]
  /// The object's name in the last of them.
  public let name: ByteString

  /// The path of the object with this key.
  public init(key: String) {
    let parts = key.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { Self.encode($0) }
    directories = Array(parts.dropLast())
    name = parts[parts.count - 1]
  }

  /// What marks the name of an object beside a directory of that name.
  static let mark = UInt8(ascii: "%")

  /// `name` for an object beside a directory of that name.
  static func marked(_ name: ByteString) -> ByteString {
    ByteString(name.bytes + [mark])
  }

  private static func encode(_ part: some Collection<UInt8>) -> ByteString {
    let bytes = Array(part)
    if bytes.isEmpty { return "%" }
    if bytes == [UInt8(ascii: ".")] { return "%2E" }
    if bytes == [UInt8(ascii: "."), UInt8(ascii: ".")] { return "%2E%2E" }
    guard bytes.contains(mark) else { return ByteString(bytes) }
    var encoded: [UInt8] = []
    for byte in bytes {
      if byte == mark { encoded += Array("%25".utf8) } else { encoded.append(byte) }
    }
    return ByteString(encoded)
  }

  /// The part of a key that `name` stands for.
  public static func part(of name: ByteString) -> [UInt8] {
    guard name.bytes.contains(mark) else { return name.bytes }
    if name.bytes == [mark, mark] { return [] }
    var decoded: [UInt8] = []
    var rest = name.bytes[...]
    while let byte = rest.popFirst() {
      guard byte == mark else {
        decoded.append(byte)
        continue
      }
      if rest.isEmpty { break }
      let digits = String(decoding: rest.prefix(2), as: UTF8.self)
      // What was not written by us is taken as it is.
      guard digits.utf8.count == 2, let value = UInt8(digits, radix: 16) else {
        decoded.append(byte)
        continue
      }
      decoded.append(value)
      rest = rest.dropFirst(2)
    }
    return decoded
  }
}
