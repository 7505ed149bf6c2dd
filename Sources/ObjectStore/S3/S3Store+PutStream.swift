public import NIOCore
internal import NIOHTTP1

extension S3Store {
  @discardableResult
  public func put<S: AsyncSequence & Sendable>(
    _ key: String, stream: S, condition: PutCondition
  ) async throws -> ObjectInfo where S.Element == ByteBuffer {
    try await put(key, stream: stream, condition: condition, as: .own)
  }

  /// Whose an object is that is put.
  enum Ownership {
    /// Ours: our marks stand in its metadata.
    case own
    /// Somebody else's, with these traits and nothing of ours.
    case foreign(ObjectTraits)

    var headers: [(name: String, value: String)] {
      switch self {
      case .own: []
      case .foreign(let traits): traits.requestHeaders
      }
    }
  }

  func put<S: AsyncSequence & Sendable>(
    _ key: String, stream: S, condition: PutCondition, as ownership: Ownership
  ) async throws -> ObjectInfo where S.Element == ByteBuffer {
    try ObjectKeyRules.check(key, operation: "put")
    var parts = PartCutter(stream.makeAsyncIterator(), partSize: configuration.partSize)
    guard let first = try await parts.next() else {
      return try await put(key, ByteBuffer(), condition: condition, as: ownership)
    }
    guard first.readableBytes == configuration.partSize, let second = try await parts.next() else {
      return try await put(key, first, condition: condition, as: ownership)
    }
    let mark = PutMark(condition)
    if condition == .ifAbsent { try await refuseIfThere(key) }
    let upload = try await MultipartUpload.begin(transport, key: key, mark: mark, headers: ownership.headers)
    var course = S3Transport.Course(configuration.retry)
    do {
      try await send([first, second], then: &parts, upload)
      // Not every server looks at If-None-Match here (Ceph 16 does not), so we look ourselves: what remains is the
      // time of one request in which another writer may come in between.
      if condition == .ifAbsent { try await refuseIfThere(key) }
      let info = try await upload.complete(&course)
      // Not every server takes tags at the start of an upload.
      if case .foreign(let traits) = ownership, !traits.tags.isEmpty { try await setTags(traits.tags, of: key) }
      return info
    } catch {
      let mayBeOurs = (error as? ObjectStoreError)?.code == .alreadyExists && course.mayHaveHappened
      if mayBeOurs, let found = try await own(key, mark) { return found }
      await upload.abort()
      throw error
    }
  }

  private func put(
    _ key: String, _ body: ByteBuffer, condition: PutCondition, as ownership: Ownership
  ) async throws -> ObjectInfo {
    guard case .foreign(let traits) = ownership else { return try await put(key, body, condition: condition) }
    let request = S3Request("put", .PUT, key: key, headers: traits.requestHeaders)
      .with(header: "x-amz-tagging", traits.tags.isEmpty ? nil : traits.tagging)
      .with(body: body)
    let answer = try await transport.document(request)
    return Self.info(key, Int64(body.readableBytes), answer.headers)
  }

  private func refuseIfThere(_ key: String) async throws {
    if try await exists(key) {
      throw ObjectStoreError(
        .alreadyExists, operation: "put", key: key, message: "an object is there, and this put was to create it")
    }
  }

  /// Uploads parts, so many at once as the configuration says; reads the stream no faster than that.
  private func send<I: AsyncIteratorProtocol>(
    _ ahead: [ByteBuffer], then parts: inout PartCutter<I>, _ upload: MultipartUpload
  ) async throws where I.Element == ByteBuffer {
    var ahead = ahead[...]
    try await withThrowingTaskGroup(of: Void.self) { group in
      var number = 1
      var underWay = 0
      while true {
        let next: ByteBuffer?
        if let waiting = ahead.popFirst() { next = waiting } else { next = try await parts.next() }
        guard let part = next else { break }
        if underWay == configuration.parallelParts {
          try await group.next()
          underWay -= 1
        }
        group.addTask { [number] in try await upload.send(part, number: number) }
        underWay += 1
        number += 1
      }
      try await group.waitForAll()
    }
  }
}

/// Cuts a stream of buffers in parts of one size; the last may be smaller.
///
/// The size doubles after every 2,000 parts, so that 10,000 of them, the most an upload may have, reach beyond the 5 TiB
/// that an object may have.
struct PartCutter<Source: AsyncIteratorProtocol> where Source.Element == ByteBuffer {
  private var source: Source
  private var partSize: Int
  private var count = 0
  private var rest = ByteBuffer()

  init(_ source: Source, partSize: Int) {
    self.source = source
    self.partSize = partSize
  }

  /// The next part, never an empty one; nil at the end.
  mutating func next() async throws -> ByteBuffer? {
    if count > 0 && count % 2_000 == 0 { partSize *= 2 }
    var part = rest.readSlice(length: min(partSize, rest.readableBytes)) ?? ByteBuffer()
    while part.readableBytes < partSize, var piece = try await source.next() {
      if part.readableBytes == 0 && piece.readableBytes >= partSize {
        part = piece.readSlice(length: partSize) ?? ByteBuffer()
      } else {
        // One part's memory, taken once: growing step by step would copy it several times over.
        if part.capacity < partSize { part = part.copied(capacity: partSize) }
        let wanted = min(partSize - part.readableBytes, piece.readableBytes)
        if var slice = piece.readSlice(length: wanted) { part.writeBuffer(&slice) }
      }
      rest = piece
    }
    count += 1
    return part.readableBytes == 0 ? nil : part
  }
}

extension ByteBuffer {
  fileprivate func copied(capacity: Int) -> ByteBuffer {
    var copy = ByteBufferAllocator().buffer(capacity: capacity)
    copy.writeImmutableBuffer(self)
    return copy
  }
}
