/// Objects of a store in the order of their keys, fetched a page at a time as they are read.
///
/// Each iteration starts from the beginning and asks the store anew. At most one page (1,000 objects from S3) is in
/// memory.
public struct ObjectListing: AsyncSequence, Sendable {
  public typealias Element = ObjectInfo
  public typealias Failure = any Error

  /// Gives one page after the other, and nil after the last.
  public typealias Pages = @Sendable () async throws -> [ObjectInfo]?

  private let begin: @Sendable () -> Pages

  /// A listing whose every iteration reads the pages that `begin` makes for it.
  public init(_ begin: @escaping @Sendable () -> Pages) { self.begin = begin }

  public func makeAsyncIterator() -> Iterator { Iterator(pages: begin()) }

  /// The pages themselves, each as the store gave it.
  func pages() -> Pages { begin() }

  /// Reads a listing.
  public struct Iterator: AsyncIteratorProtocol {
    private let pages: Pages
    private var page: [ObjectInfo] = []
    private var position = 0

    init(pages: @escaping Pages) { self.pages = pages }

    public mutating func next() async throws -> ObjectInfo? {
      while position == page.count {
        guard let following = try await pages() else { return nil }
        page = following
        position = 0
      }
      defer { position += 1 }
      return page[position]
    }
  }

  /// All that is left, in memory.
  public func collected() async throws -> [ObjectInfo] {
    let pages = begin()
    var all: [ObjectInfo] = []
    while let page = try await pages() { all += page }
    return all
  }
}
