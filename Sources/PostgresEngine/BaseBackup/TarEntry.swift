/// The header of one entry of a tar archive.
package struct TarEntry: Sendable, Equatable {
  /// What the entry is.
  package enum Kind: Sendable, Equatable {
    case file
    case directory
    case symlink(target: String)
    /// A kind that PostgreSQL never sends, by its type flag.
    case other(UInt8)
  }

  /// The path in the archive, without `./` before and `/` behind it.
  package var path: String
  package var kind: Kind
  /// POSIX permission bits.
  package var mode: UInt32
  package var userID: UInt32
  package var groupID: UInt32
  /// Empty where the archive has none.
  package var userName: String
  package var groupName: String
  /// Bytes of content that follow; 0 for all but files.
  package var size: Int64
  /// Seconds since 1970.
  package var modified: Int64
}

/// Why an archive cannot be read.
package struct TarError: Error, Sendable, Equatable, CustomStringConvertible {
  package let description: String
}

extension TarEntry {
  /// Bytes of a header, and what content is padded to.
  static let blockSize = 512

  /// Reads a header block that is not all zeros.
  ///
  /// POSIX ustar, as PostgreSQL's `src/port/tar.c` writes it: numbers that octal digits cannot hold are in base 256,
  /// with the first byte's high bit set.
  init(header: UnsafeRawBufferPointer) throws {
    precondition(header.count == Self.blockSize)
    let fields = Fields(bytes: header)
    guard fields.isChecksumRight else { throw TarError(description: "the checksum of a tar header is wrong") }
    var path = fields.text(0, 100)
    let prefix = fields.text(345, 155)
    if fields.isUstar, !prefix.isEmpty { path = prefix + "/" + path }
    self.path = Self.plain(path)
    let flag = header[156]
    kind =
      switch flag {
      case UInt8(ascii: "0"), 0: .file
      case UInt8(ascii: "5"): .directory
      case UInt8(ascii: "2"): .symlink(target: fields.text(157, 100))
      default: .other(flag)
      }
    mode = UInt32(truncatingIfNeeded: try fields.number(100, 8)) & 0o7777
    userID = UInt32(truncatingIfNeeded: try fields.number(108, 8))
    groupID = UInt32(truncatingIfNeeded: try fields.number(116, 8))
    let length = try fields.number(124, 12)
    size = if case .symlink = kind { 0 } else if kind == .directory { 0 } else { length }
    modified = try fields.number(136, 12)
    userName = fields.text(265, 32)
    groupName = fields.text(297, 32)
  }

  private static func plain(_ path: String) -> String {
    var path = path[...]
    while path.hasPrefix("./") { path = path.dropFirst(2) }
    while path.hasSuffix("/") { path = path.dropLast() }
    return path == "." ? "" : String(path)
  }

  private struct Fields {
    let bytes: UnsafeRawBufferPointer

    var isUstar: Bool { bytes[257..<262].elementsEqual("ustar".utf8) }

    /// The sum of all bytes, those of the sum itself counted as spaces.
    var isChecksumRight: Bool {
      var sum: Int64 = 8 * 0x20
      for (index, byte) in bytes.enumerated() where !(148..<156).contains(index) { sum += Int64(byte) }
      return (try? number(148, 8)) == sum
    }

    func text(_ start: Int, _ length: Int) -> String {
      String(decoding: bytes[start..<start + length].prefix { $0 != 0 }, as: UTF8.self)
    }

    func number(_ start: Int, _ length: Int) throws -> Int64 {
      let field = bytes[start..<start + length]
      if bytes[start] & 0x80 != 0 { return try base256(field) }
      var value: Int64 = 0
      for byte in field.drop(while: { $0 == 0x20 }).prefix(while: { $0 != 0x20 && $0 != 0 }) {
        guard (0x30...0x37).contains(byte) else {
          throw TarError(description: "a tar header has a number that is not octal")
        }
        value = value << 3 | Int64(byte - 0x30)
      }
      return value
    }

    private func base256(_ field: Slice<UnsafeRawBufferPointer>) throws -> Int64 {
      var value: UInt64 = 0
      for (index, byte) in field.enumerated() {
        guard value >> 55 == 0 else { throw TarError(description: "a number in a tar header exceeds 63 bits") }
        value = value << 8 | UInt64(index == 0 ? byte & 0x7F : byte)
      }
      return Int64(value)
    }
  }
}
