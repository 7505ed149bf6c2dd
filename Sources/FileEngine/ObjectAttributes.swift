import ObjectStore
import Repository

/// What an object has besides its bytes, as extended attributes of its file in the snapshot: `restic restore` sets them
/// where the file system takes them, and `getfattr` shows them.
///
/// `user.s3.etag`; each header that S3 keeps as `user.s3.<name>`; the user's metadata as `user.s3.meta.<name>`; the tags
/// as `user.s3.tags`, written as in the header `x-amz-tagging`. The time of modification is the object's.
enum ObjectAttributes {
  private static let prefix = "user.s3."
  private static let etag = "user.s3.etag"
  private static let tags = "user.s3.tags"
  private static let metadata = "user.s3.meta."

  static func attributes(of info: ObjectInfo, _ traits: ObjectTraits) -> NodeAttributes {
    var values: [String: String] = [:]
    if let tag = info.plainETag, !tag.isEmpty { values[etag] = tag }
    for (name, value) in traits.headers { values[prefix + name] = value }
    for (name, value) in traits.metadata { values[metadata + name] = value }
    if !traits.tags.isEmpty { values[tags] = traits.tagging }
    return NodeAttributes(
      mode: 0o644, modified: UnixTime(seconds: info.lastModified?.seconds ?? 0),
      extendedAttributes: values.sorted { $0.key < $1.key }.map {
        ExtendedAttribute(name: ByteString($0.key), value: Array($0.value.utf8))
      })
  }

  /// The entity tag that the object had; nil where the node is no object.
  static func etag(of attributes: NodeAttributes) -> String? {
    attributes.extendedAttributes.first { $0.name == ByteString(etag) }.map {
      String(decoding: $0.value, as: UTF8.self)
    }
  }

  static func traits(of attributes: NodeAttributes) -> ObjectTraits {
    var traits = ObjectTraits()
    for attribute in attributes.extendedAttributes {
      let name = attribute.name.description
      let value = String(decoding: attribute.value, as: UTF8.self)
      if name == tags {
        traits.tags = ObjectTraits.tags(in: value) ?? []
      } else if name.hasPrefix(metadata) {
        traits.metadata[String(name.dropFirst(metadata.count))] = value
      } else if name.hasPrefix(prefix), ObjectTraits.headerNames.contains(String(name.dropFirst(prefix.count))) {
        traits.headers[String(name.dropFirst(prefix.count))] = value
      }
    }
    return traits
  }
}

extension ObjectInfo {
  /// The entity tag without its quotation marks.
  var plainETag: String? { etag.map { String($0.drop { $0 == "\"" }.prefix { $0 != "\"" }) } }

  /// Whether the object was put in parts: then its entity tag says more than its content.
  var isMultipart: Bool { plainETag?.contains("-") ?? true }
}
