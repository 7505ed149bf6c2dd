import Glibc

/// A name or a path as the file system has it: bytes, in no promised encoding, without a NUL.
///
/// Order is by bytes, as restic sorts the nodes of a tree.
public struct ByteString: Hashable, Comparable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
  /// The bytes themselves.
  public var bytes: [UInt8]

  /// The string of these bytes.
  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The UTF-8 bytes of `text`.
  public init(_ text: some StringProtocol) { bytes = Array(text.utf8) }

  public init(stringLiteral value: String) { bytes = Array(value.utf8) }

  /// The bytes as text; what is not UTF-8 is shown as U+FFFD, so this is for people, not for opening files.
  public var description: String { String(decoding: bytes, as: UTF8.self) }

  /// Nothing in it.
  public var isEmpty: Bool { bytes.isEmpty }

  public static func < (left: ByteString, right: ByteString) -> Bool {
    left.bytes.withUnsafeBytes { first in
      right.bytes.withUnsafeBytes { second in
        let common = min(first.count, second.count)
        if common > 0, let a = first.baseAddress, let b = second.baseAddress {
          let order = memcmp(a, b, common)
          if order != 0 { return order < 0 }
        }
        return first.count < second.count
      }
    }
  }

  /// This path with `name` below it; below the empty path, `name` itself.
  public func appending(_ name: ByteString) -> ByteString {
    if bytes.isEmpty { return name }
    var joined = [UInt8]()
    joined.reserveCapacity(bytes.count + 1 + name.bytes.count)
    joined.append(contentsOf: bytes)
    if bytes.last != slash { joined.append(slash) }
    joined.append(contentsOf: name.bytes)
    return ByteString(joined)
  }

  /// The parts between slashes, without empty parts and without `.`.
  public var components: [ByteString] {
    bytes.split(separator: slash).filter { Array($0) != [dot] }.map { ByteString(Array($0)) }
  }

  /// May stand as a name in a tree that is restored: not empty, not `.` or `..`, no slash, no NUL.
  package var isSafeName: Bool {
    !bytes.isEmpty && bytes != [dot] && bytes != [dot, dot] && !bytes.contains(slash) && !bytes.contains(0)
  }

  /// Calls `body` with the bytes as a C string.
  package func withCString<Result>(_ body: (UnsafePointer<CChar>) throws -> Result) rethrows -> Result {
    try withUnsafeTemporaryAllocation(of: CChar.self, capacity: bytes.count + 1) { buffer in
      for (index, byte) in bytes.enumerated() { buffer[index] = CChar(bitPattern: byte) }
      buffer[bytes.count] = 0
      guard let base = buffer.baseAddress else { preconditionFailure("an allocation of at least one byte has a base") }
      return try body(UnsafePointer(base))
    }
  }
}

private let slash = UInt8(ascii: "/")
private let dot = UInt8(ascii: ".")
