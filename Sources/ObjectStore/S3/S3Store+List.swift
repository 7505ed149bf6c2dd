internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

extension S3Store {
  public func list(prefix: String, startAfter: String?) -> ObjectListing {
    ObjectListing {
      let pages = PageCursor(self, prefix: prefix, delimiter: nil, startAfter: startAfter)
      return { try await pages.next()?.objects }
    }
  }

  public func commonPrefixes(prefix: String, delimiter: String) async throws -> [String] {
    let pages = PageCursor(self, prefix: prefix, delimiter: delimiter, startAfter: nil)
    var all: [String] = []
    while let page = try await pages.next() { all += page.prefixes }
    return all
  }

  /// One answer to ListObjectsV2.
  func page(
    prefix: String, delimiter: String?, startAfter: String?, continuation: String?
  ) async throws -> (page: ListPage, continuation: String?) {
    var query = [("list-type", "2"), ("encoding-type", "url"), ("prefix", prefix)]
    if let delimiter { query.append(("delimiter", delimiter)) }
    if let continuation {
      query.append(("continuation-token", continuation))
    } else if let startAfter {
      query.append(("start-after", startAfter))
    }
    let answer = try await transport.document(S3Request("list", .GET, query: query))
    do {
      return try ListPage.read(answer.body)
    } catch {
      throw ObjectStoreError(
        .server, operation: "list", key: prefix, message: "the server's listing cannot be understood (\(error))")
    }
  }
}

/// What one answer to ListObjectsV2 holds.
struct ListPage: Sendable {
  var objects: [ObjectInfo] = []
  var prefixes: [String] = []

  struct Unreadable: Error { let field: String }

  static func read(_ body: ByteBuffer) throws -> (page: ListPage, continuation: String?) {
    let document = try XMLNode(document: body.readableBytesView)
    guard document.name == "ListBucketResult" else { throw Unreadable(field: document.name) }
    // A server that does not know the parameter does not say that it encoded.
    let isEncoded = document["EncodingType"] == "url"
    func decoded(_ text: String) throws -> String {
      guard isEncoded else { return text }
      guard let key = PercentEncoding.decode(text) else { throw Unreadable(field: "Key") }
      return key
    }
    var page = ListPage()
    for node in document.children {
      if node.name == "Contents" {
        guard let key = node["Key"], let size = node["Size"].flatMap({ Int64($0) }) else {
          throw Unreadable(field: "Contents")
        }
        page.objects.append(
          ObjectInfo(
            key: try decoded(key), size: size, etag: node["ETag"],
            lastModified: node["LastModified"].flatMap { UnixTime(iso8601: $0) }))
      } else if node.name == "CommonPrefixes", let prefix = node["Prefix"] {
        page.prefixes.append(try decoded(prefix))
      }
    }
    guard document["IsTruncated"] == "true" else { return (page, nil) }
    guard let token = document["NextContinuationToken"] else { throw Unreadable(field: "NextContinuationToken") }
    return (page, token)
  }
}

/// Goes from page to page of one listing.
final class PageCursor: Sendable {
  private enum State {
    case beginning
    case after(continuation: String)
    case end
  }

  private let store: S3Store
  private let prefix: String
  private let delimiter: String?
  private let startAfter: String?
  private let state = Mutex(State.beginning)

  init(_ store: S3Store, prefix: String, delimiter: String?, startAfter: String?) {
    self.store = store
    self.prefix = prefix
    self.delimiter = delimiter
    self.startAfter = startAfter
  }

  func next() async throws -> ListPage? {
    let continuation: String?
    switch state.withLock({ $0 }) {
    case .beginning: continuation = nil
    case .after(let token): continuation = token
    case .end: return nil
    }
    let (page, following) = try await store.page(
      prefix: prefix, delimiter: delimiter, startAfter: startAfter, continuation: continuation)
    state.withLock { $0 = following.map { .after(continuation: $0) } ?? .end }
    return page
  }
}
