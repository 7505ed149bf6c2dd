package import NIOCore
import ObjectStore

/// Reads the JSON of a tree as restic writes it. Fields that are not known are passed over; what a node cannot do
/// without, and what would be unsafe to believe, is an error.
package enum TreeDecoder {
  /// The nodes of the tree in `json`, in their order.
  package static func decode(_ json: ByteBuffer) throws -> [Node] {
    try json.withUnsafeReadableBytes { text in
      var scanner = JSONScanner(text, of: "a tree")
      var nodes = [Node]()
      guard try scanner.beginObject() else { return nodes }
      while let key = try scanner.nextKey() {
        guard key.equals("nodes"), try scanner.beginArray() else {
          if !key.equals("nodes") { try scanner.skipValue() }
          continue
        }
        while try scanner.nextElement() { nodes.append(try node(&scanner)) }
      }
      return nodes
    }
  }

  private static func node(_ scanner: inout JSONScanner) throws -> Node {
    var draft = NodeDraft()
    guard try scanner.beginObject() else { throw scanner.unreadable("a node is null") }
    while let key = try scanner.nextKey() { try draft.read(key, from: &scanner) }
    return try draft.node()
  }
}

/// The fields of a node as they come.
private struct NodeDraft {
  var name: [UInt8]?
  var type = [UInt8]()
  var mode: UInt32 = 0
  var attributes = NodeAttributes(mode: 0, modified: UnixTime(seconds: 0))
  var size: UInt64 = 0
  var linkTarget = [UInt8]()
  var linkTargetRaw: [UInt8]?
  var device: UInt64 = 0
  var content = [BlobID]()
  var subtree: BlobID?

  /// Takes the value of `key`. The order of the tests is the order in which restic writes the keys.
  mutating func read(_ key: UnsafeRawBufferPointer, from scanner: inout JSONScanner) throws {
    if key.equals("name") {
      let quoted = try scanner.unescapedString()
      guard let bytes = GoQuoting.unquoted(quoted) else {
        throw RepositoryError(
          .corrupted,
          "a tree holds the name '\(String(decoding: quoted, as: UTF8.self))', which is not quoted as Go does")
      }
      name = bytes
    } else if key.equals("type") {
      type = try scanner.unescapedString()
    } else if key.equals("mode") {
      mode = try scanner.unsigned32()
    } else if key.equals("mtime") {
      attributes.modified = try scanner.time()
    } else if key.equals("atime") {
      attributes.accessed = try scanner.time()
    } else if key.equals("ctime") {
      attributes.changed = try scanner.time()
    } else if key.equals("uid") {
      attributes.userID = try scanner.unsigned32()
    } else if key.equals("gid") {
      attributes.groupID = try scanner.unsigned32()
    } else if key.equals("user") {
      attributes.userName = String(decoding: try scanner.unescapedString(), as: UTF8.self)
    } else if key.equals("group") {
      attributes.groupName = String(decoding: try scanner.unescapedString(), as: UTF8.self)
    } else if key.equals("inode") {
      attributes.inode = try scanner.unsigned()
    } else if key.equals("device_id") {
      attributes.deviceID = try scanner.unsigned()
    } else if key.equals("size") {
      size = try scanner.unsigned()
    } else if key.equals("links") {
      attributes.links = try scanner.unsigned()
    } else if key.equals("linktarget") {
      linkTarget = try scanner.unescapedString()
    } else if key.equals("linktarget_raw") {
      linkTargetRaw = try scanner.base64()
    } else if key.equals("extended_attributes") {
      try readExtendedAttributes(&scanner)
    } else if key.equals("device") {
      device = try scanner.unsigned()
    } else if key.equals("content") {
      guard try scanner.beginArray() else { return }
      while try scanner.nextElement() { content.append(BlobID(try scanner.digest())) }
    } else if key.equals("subtree") {
      if !scanner.passNull() { subtree = BlobID(try scanner.digest()) }
    } else {
      try scanner.skipValue()
    }
  }

  private mutating func readExtendedAttributes(_ scanner: inout JSONScanner) throws {
    guard try scanner.beginArray() else { return }
    while try scanner.nextElement() {
      var name = [UInt8]()
      var value = [UInt8]()
      guard try scanner.beginObject() else { continue }
      while let key = try scanner.nextKey() {
        if key.equals("name") {
          name = try scanner.unescapedString()
        } else if key.equals("value") {
          if !scanner.passNull() { value = try scanner.base64() }
        } else {
          try scanner.skipValue()
        }
      }
      attributes.extendedAttributes.append(ExtendedAttribute(name: ByteString(name), value: value))
    }
  }

  consuming func node() throws -> Node {
    guard let name else { throw RepositoryError(.corrupted, "a tree holds a node without a name") }
    attributes.mode = FileMode.permissions(of: mode)
    return Node(name: ByteString(name), kind: try kind(of: ByteString(name)), attributes: attributes)
  }

  private func kind(of name: ByteString) throws -> Node.Kind {
    switch String(decoding: type, as: UTF8.self) {
    case "file":
      guard let size = Int64(exactly: size) else {
        throw RepositoryError(.corrupted, "the tree says that '\(name)' has \(size) bytes, more than any file can have")
      }
      return .file(size: size, content: content)
    case "dir":
      guard let subtree else {
        throw RepositoryError(.corrupted, "the tree has no subtree for the directory '\(name)'")
      }
      return .directory(subtree: subtree)
    case "symlink": return .symlink(target: ByteString(linkTargetRaw ?? linkTarget))
    case "dev": return .blockDevice(device)
    case "chardev": return .characterDevice(device)
    case "fifo": return .fifo
    case "socket": return .socket
    case let other: return .unknown(other)
    }
  }
}
