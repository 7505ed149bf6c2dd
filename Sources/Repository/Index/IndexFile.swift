package import NIOCore

/// The JSON of an index file: which packs there are, and what each holds.
///
/// Source: restic's `doc/design.rst`, "Indexing".
package enum IndexFile {
  /// restic's own bound, about 8 MiB of JSON.
  package static let maximumBlobs = 50_000

  package static func encode(_ packs: some Sequence<PackContents>) -> ByteBuffer {
    var json = ByteBuffer()
    json.writeStaticString("{\"packs\":[")
    for (number, pack) in packs.enumerated() {
      if number > 0 { json.writeStaticString(",") }
      json.writeStaticString("{\"id\":\"")
      json.writeHexadecimal(pack.id.digest)
      json.writeStaticString("\",\"blobs\":[")
      for (position, blob) in pack.blobs.enumerated() {
        if position > 0 { json.writeStaticString(",") }
        encode(blob, to: &json)
      }
      json.writeStaticString("]}")
    }
    json.writeStaticString("]}\n")
    return json
  }

  private static func encode(_ blob: PackedBlob, to json: inout ByteBuffer) {
    json.writeStaticString("{\"id\":\"")
    json.writeHexadecimal(blob.id.digest)
    json.writeStaticString(blob.type == .data ? "\",\"type\":\"data\",\"offset\":" : "\",\"type\":\"tree\",\"offset\":")
    json.writeString(String(blob.offset))
    json.writeStaticString(",\"length\":")
    json.writeString(String(blob.length))
    if blob.uncompressedLength != 0 {
      json.writeStaticString(",\"uncompressed_length\":")
      json.writeString(String(blob.uncompressedLength))
    }
    json.writeStaticString("}")
  }

  package static func decode(_ json: ByteBuffer, of subject: String) throws -> [PackContents] {
    try json.withUnsafeReadableBytes { bytes in
      var scanner = JSONScanner(bytes, of: subject)
      var packs: [PackContents] = []
      guard try scanner.beginObject() else { return [] }
      while let key = try scanner.nextKey() {
        guard key.equals("packs") else {
          try scanner.skipValue()
          continue
        }
        guard try scanner.beginArray() else { continue }
        while try scanner.nextElement() { packs.append(try decodePack(&scanner)) }
      }
      return packs
    }
  }

  private static func decodePack(_ scanner: inout JSONScanner) throws -> PackContents {
    var id: SHA256Digest?
    var blobs: [PackedBlob] = []
    guard try scanner.beginObject() else { throw scanner.unreadable("a pack is null") }
    while let key = try scanner.nextKey() {
      if key.equals("id") {
        id = try scanner.digest()
      } else if key.equals("blobs") {
        guard try scanner.beginArray() else { continue }
        while try scanner.nextElement() { blobs.append(try decodeBlob(&scanner)) }
      } else {
        try scanner.skipValue()
      }
    }
    guard let id else { throw scanner.unreadable("a pack has no id") }
    return PackContents(id: PackID(id), blobs: blobs)
  }

  private static func decodeBlob(_ scanner: inout JSONScanner) throws -> PackedBlob {
    var id: SHA256Digest?
    var type: BlobType?
    var (offset, length, uncompressedLength): (UInt32?, UInt32?, UInt32) = (nil, nil, 0)
    guard try scanner.beginObject() else { throw scanner.unreadable("a blob is null") }
    while let key = try scanner.nextKey() {
      if key.equals("id") {
        id = try scanner.digest()
      } else if key.equals("type") {
        let name = try scanner.string()
        type = name.equals("data") ? .data : name.equals("tree") ? .tree : nil
      } else if key.equals("offset") {
        offset = try scanner.unsigned32()
      } else if key.equals("length") {
        length = try scanner.unsigned32()
      } else if key.equals("uncompressed_length") {
        uncompressedLength = try scanner.unsigned32()
      } else {
        try scanner.skipValue()
      }
    }
    guard let id, let type, let offset, let length, length >= UInt32(RepositoryKey.overhead) else {
      throw scanner.unreadable("a blob lacks its id, type, offset or length, or has one that cannot be")
    }
    return PackedBlob(
      id: BlobID(id), type: type, offset: offset, length: length, uncompressedLength: uncompressedLength)
  }
}

extension ByteBuffer {
  fileprivate mutating func writeHexadecimal(_ digest: SHA256Digest) {
    writeWithUnsafeMutableBytes(minimumWritableBytes: 2 * SHA256Digest.byteCount) { target in
      digest.writeHexadecimal(to: target)
      return 2 * SHA256Digest.byteCount
    }
  }
}
