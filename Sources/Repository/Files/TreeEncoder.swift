package import NIOCore
import ObjectStore

/// Writes the JSON of a tree byte for byte as restic's Go encoder does, so that equal directories are equal blobs.
///
/// Sources: `internal/restic/node.go` and `tree.go` for fields and their order, Go's `encoding/json` for escaping.
package struct TreeEncoder {
  private var buffer: ByteBuffer
  private var last: ByteString?

  /// An encoder for about `capacity` nodes.
  package init(capacity: Int = 16) {
    buffer = ByteBufferAllocator().buffer(capacity: 32 + capacity * 400)
    buffer.writeStaticString("{\"nodes\":[")
  }

  /// Appends `node`; names must come in ascending order of their bytes, each once.
  package mutating func append(_ node: Node) {
    if let last {
      precondition(last < node.name, "nodes of a tree are sorted by name, and no name comes twice")
      buffer.writeStaticString(",")
    }
    last = node.name
    write(node)
  }

  /// The whole tree. Appending after this is a mistake.
  package mutating func finish() -> ByteBuffer {
    buffer.writeStaticString("]}\n")
    return buffer
  }

  private mutating func write(_ node: Node) {
    let attributes = node.attributes
    buffer.writeStaticString("{\"name\":")
    buffer.writeJSONString(GoQuoting.quoted(node.name.bytes) ?? node.name.bytes)
    buffer.writeStaticString(",\"type\":")
    buffer.writeJSONString(Array(node.kind.typeName.utf8))
    write(",\"mode\":", ifNotZero: UInt64(FileMode.number(for: node.kind, permissions: attributes.mode)))
    write(",\"mtime\":\"", attributes.modified)
    write(",\"atime\":\"", attributes.accessed)
    write(",\"ctime\":\"", attributes.changed)
    buffer.writeStaticString(",\"uid\":")
    buffer.writeDecimal(UInt64(attributes.userID))
    buffer.writeStaticString(",\"gid\":")
    buffer.writeDecimal(UInt64(attributes.groupID))
    write(",\"user\":", ifNotEmpty: Array(attributes.userName.utf8))
    write(",\"group\":", ifNotEmpty: Array(attributes.groupName.utf8))
    write(",\"inode\":", ifNotZero: attributes.inode)
    write(",\"device_id\":", ifNotZero: attributes.deviceID)
    if case .file(let size, _) = node.kind { write(",\"size\":", ifNotZero: UInt64(size)) }
    write(",\"links\":", ifNotZero: attributes.links)
    if case .symlink(let target) = node.kind { write(linkTarget: target.bytes) }
    if !attributes.extendedAttributes.isEmpty { write(attributes.extendedAttributes) }
    switch node.kind {
    case .blockDevice(let device), .characterDevice(let device): write(",\"device\":", ifNotZero: device)
    default: break
    }
    write(contentOf: node.kind)
    buffer.writeStaticString("}")
  }

  private mutating func write(contentOf kind: Node.Kind) {
    switch kind {
    case .file(_, let content):
      buffer.writeStaticString(",\"content\":[")
      for (index, id) in content.enumerated() {
        if index > 0 { buffer.writeStaticString(",") }
        buffer.writeHexadecimal(id)
      }
      buffer.writeStaticString("]")
    case .directory(let subtree):
      buffer.writeStaticString(",\"content\":null,\"subtree\":")
      buffer.writeHexadecimal(subtree)
    default: buffer.writeStaticString(",\"content\":null")
    }
  }

  private mutating func write(linkTarget target: [UInt8]) {
    write(",\"linktarget\":", ifNotEmpty: target)
    guard String(validating: target, as: UTF8.self) == nil else { return }
    buffer.writeStaticString(",\"linktarget_raw\":\"")
    buffer.writeBase64(target)
    buffer.writeStaticString("\"")
  }

  private mutating func write(_ attributes: [ExtendedAttribute]) {
    buffer.writeStaticString(",\"extended_attributes\":[")
    for (index, attribute) in attributes.enumerated() {
      buffer.writeStaticString(index > 0 ? ",{\"name\":" : "{\"name\":")
      buffer.writeJSONString(attribute.name.bytes)
      buffer.writeStaticString(",\"value\":\"")
      buffer.writeBase64(attribute.value)
      buffer.writeStaticString("\"}")
    }
    buffer.writeStaticString("]")
  }

  private mutating func write(_ key: StaticString, ifNotZero number: UInt64) {
    guard number != 0 else { return }
    buffer.writeStaticString(key)
    buffer.writeDecimal(number)
  }

  private mutating func write(_ key: StaticString, ifNotEmpty text: [UInt8]) {
    guard !text.isEmpty else { return }
    buffer.writeStaticString(key)
    buffer.writeJSONString(text)
  }

  private mutating func write(_ key: StaticString, _ time: UnixTime) {
    buffer.writeStaticString(key)
    time.write(to: &buffer)
    buffer.writeStaticString("\"")
  }
}

extension Node.Kind {
  /// The word for this kind in a tree.
  package var typeName: String {
    switch self {
    case .file: "file"
    case .directory: "dir"
    case .symlink: "symlink"
    case .blockDevice: "dev"
    case .characterDevice: "chardev"
    case .fifo: "fifo"
    case .socket: "socket"
    case .unknown(let name): name
    }
  }
}
