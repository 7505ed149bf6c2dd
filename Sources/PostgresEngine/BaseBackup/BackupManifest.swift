import Foundation
package import NIOCore
import Repository

/// The server's list of a backup's files: `backup_manifest`.
///
/// Source: PostgreSQL's documentation, "Backup Manifest Format". Version 1 is 13 to 16's, version 2 that of 17.
package struct BackupManifest: Sendable, Equatable {
  /// What the manifest says of one file.
  package struct File: Sendable, Equatable {
    package let path: String
    package let size: Int64
    /// CRC-32C, as eight hexadecimal digits, the byte of least weight first.
    package let checksum: String
  }

  package let files: [File]

  /// Reads a whole manifest, and verifies its checksum of itself. Throws ``PostgresError`` (`backupCorrupted`).
  package init(_ text: ByteBuffer) throws {
    try Self.verifyItself(text)
    do {
      files = try text.withUnsafeReadableBytes { try Self.files($0) }
    } catch let error as RepositoryError {
      throw Self.damaged(error.message)
    }
  }

  /// The last line holds the SHA-256 of all lines before it.
  private static func verifyItself(_ text: ByteBuffer) throws {
    var ends = [text.readableBytesView.endIndex, text.readableBytesView.endIndex]
    for (index, byte) in text.readableBytesView.reversed().enumerated() where byte == UInt8(ascii: "\n") {
      (ends[0], ends[1]) = (text.readableBytesView.endIndex - index, ends[0])
      if index > 0 { break }
    }
    let start = text.readerIndex
    guard let body = text.getSlice(at: start, length: ends[0] - start),
      let line = text.getString(at: ends[0], length: ends[1] - ends[0])
    else { throw damaged("it has no lines") }
    guard line.hasPrefix("\"Manifest-Checksum\"") else { throw damaged("its last line is not its checksum") }
    let digest = SHA256Digest(hashing: body).hexadecimal
    guard line.contains("\"\(digest)\"") else { throw damaged("its checksum of itself is another than \(digest)") }
  }

  private static func files(_ bytes: UnsafeRawBufferPointer) throws -> [File] {
    var scanner = JSONScanner(bytes, of: "backup_manifest")
    var files: [File] = []
    guard try scanner.beginObject() else { throw damaged("it is null") }
    while let key = try scanner.nextKey() {
      guard key.equals("Files"), try scanner.beginArray() else {
        if !key.equals("Files") { try scanner.skipValue() }
        continue
      }
      while try scanner.nextElement() { files.append(try file(&scanner)) }
    }
    return files
  }

  private static func file(_ scanner: inout JSONScanner) throws -> File {
    var (path, size, checksum, algorithm) = (nil as String?, nil as Int64?, nil as String?, nil as String?)
    guard try scanner.beginObject() else { throw damaged("a file in it is null") }
    while let key = try scanner.nextKey() {
      if key.equals("Path") {
        path = try unescaped(try scanner.string())
      } else if key.equals("Encoded-Path") {
        path = try decoded(try scanner.string())
      } else if key.equals("Size") {
        size = Int64(try scanner.unsigned())
      } else if key.equals("Checksum") {
        checksum = String(decoding: try scanner.string(), as: UTF8.self)
      } else if key.equals("Checksum-Algorithm") {
        algorithm = String(decoding: try scanner.string(), as: UTF8.self)
      } else {
        try scanner.skipValue()
      }
    }
    guard let path, let size else { throw damaged("a file in it has no path or no size") }
    guard let checksum, algorithm == "CRC32C" else { throw damaged("'\(path)' in it has no CRC32C") }
    return File(path: path, size: size, checksum: checksum)
  }

  private static func unescaped(_ text: UnsafeRawBufferPointer) throws -> String {
    guard text.contains(UInt8(ascii: "\\")) else { return String(decoding: text, as: UTF8.self) }
    let quoted = "\"" + String(decoding: text, as: UTF8.self) + "\""
    guard let plain = try? JSONDecoder().decode(String.self, from: Data(quoted.utf8)) else {
      throw damaged("a path in it is not JSON: \(quoted)")
    }
    return plain
  }

  /// Paths that are not UTF-8 stand in hexadecimal digits.
  private static func decoded(_ digits: UnsafeRawBufferPointer) throws -> String {
    var bytes: [UInt8] = []
    for start in stride(from: 0, to: digits.count - 1, by: 2) {
      let pair = String(decoding: digits[start..<start + 2], as: UTF8.self)
      guard let byte = UInt8(pair, radix: 16) else { throw damaged("a path in it is not hexadecimal") }
      bytes.append(byte)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  static func damaged(_ what: String) -> PostgresError {
    PostgresError(.backupCorrupted, "the server's backup manifest is damaged: \(what)", hint: "Take the backup again")
  }
}
