public import NIOCore
internal import NIOHTTP1

/// Objects that others wrote and that others read: nothing of ours is put beside them, and nothing that stands beside
/// them is taken for ours.
extension S3Store {
  private static let metadataPrefix = "x-amz-meta-"

  /// Reads an object with all that it has. Bytes are verified by their number.
  public func foreignObject(_ key: String) async throws -> ForeignObject {
    try ObjectKeyRules.check(key, operation: "get")
    let download = S3Download(transport, key: key, range: nil, verification: .lengthOnly)
    let (info, length) = try await download.open()
    let traits = try await traits(of: key, download.headers)
    return ForeignObject(
      body: ObjectBody(info: info, length: length) { try await download.next() }, traits: traits)
  }

  /// What an object has besides its bytes.
  public func foreignTraits(of key: String) async throws -> (info: ObjectInfo, traits: ObjectTraits) {
    try ObjectKeyRules.check(key, operation: "head")
    let (info, headers) = try await headers(of: key, operation: "head")
    return (info, try await traits(of: key, headers))
  }

  /// Stores the bytes of `stream` under `key` with `traits`, in place of whatever is there, and nothing besides.
  @discardableResult
  public func putForeign<S: AsyncSequence & Sendable>(
    _ key: String, stream: S, traits: ObjectTraits
  ) async throws -> ObjectInfo where S.Element == ByteBuffer {
    try await put(key, stream: stream, condition: .always, as: .foreign(traits))
  }

  private func traits(of key: String, _ headers: HTTPHeaders) async throws -> ObjectTraits {
    var traits = ObjectTraits()
    for name in ObjectTraits.headerNames {
      if let value = headers.first(name: name) { traits.headers[name] = value }
    }
    for (name, value) in headers where name.lowercased().hasPrefix(Self.metadataPrefix) {
      traits.metadata[String(name.lowercased().dropFirst(Self.metadataPrefix.count))] = value
    }
    // Where there are none, or this key may not see them, the server does not count them.
    if let count = headers.first(name: "x-amz-tagging-count").flatMap({ Int($0) }), count > 0 {
      traits.tags = try await tags(of: key)
    }
    return traits
  }

  /// The tags of an object, sorted by name.
  public func tags(of key: String) async throws -> [ObjectTraits.Tag] {
    let answer = try await transport.document(S3Request("get tags", .GET, key: key, query: [("tagging", "")]))
    guard let document = try? XMLNode(document: answer.body.readableBytesView) else {
      throw ObjectStoreError(
        .server, operation: "get tags", key: key, message: "the server's answer cannot be understood")
    }
    let tags = (document.child("TagSet")?.all("Tag") ?? []).map {
      ObjectTraits.Tag(name: $0["Key"] ?? "", value: $0["Value"] ?? "")
    }
    return tags.sorted { $0.name < $1.name }
  }

  /// Replaces the tags of an object.
  func setTags(_ tags: [ObjectTraits.Tag], of key: String) async throws {
    let set = tags.map { "<Tag><Key>\(xmlEscaped($0.name))</Key><Value>\(xmlEscaped($0.value))</Value></Tag>" }
    let body = ByteBuffer(string: "<Tagging><TagSet>\(set.joined())</TagSet></Tagging>")
    _ = try await transport.document(
      S3Request("put tags", .PUT, key: key, query: [("tagging", "")])
        .with(header: "content-md5", md5Base64(body))
        .with(header: "content-type", "application/xml")
        .with(body: body))
  }
}

extension ObjectTraits {
  /// The headers that store them, without the tags.
  var requestHeaders: [(name: String, value: String)] {
    headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
      + metadata.sorted { $0.key < $1.key }.map { ("x-amz-meta-\($0.key)", $0.value) }
  }
}
