import NIOCore

/// What has been found by a restore's walk and is not written yet.
struct RestoreWindow {
  /// A place where a blob belongs.
  struct Use: Sendable {
    let id: BlobID
    let file: RestoreFile
    let offset: Int64
  }

  /// So many uses take about 25 MiB with their plan, and are enough to read each pack about once.
  private static let capacity = 131_072

  private(set) var uses: [Use] = []
  /// Empty files with several names, by their first.
  var emptyFiles: [(path: ByteString, attributes: NodeAttributes)] = []
  /// Other names of files, with the first.
  var links: [(path: ByteString, original: ByteString)] = []
  /// Directories below which the walk has been; deeper ones first.
  var directories: [(path: ByteString, attributes: NodeAttributes)] = []

  var isFull: Bool {
    uses.count >= Self.capacity || directories.count + links.count + emptyFiles.count >= Self.capacity
  }

  mutating func add(_ id: BlobID, of file: RestoreFile, at offset: Int64) {
    uses.append(Use(id: id, file: file, offset: offset))
  }

  /// The uses by blob.
  consuming func sortedUses() -> RestoreUses { RestoreUses(uses) }
}

/// Uses of blobs, found by blob.
struct RestoreUses: Sendable {
  private let uses: [RestoreWindow.Use]

  init(_ uses: [RestoreWindow.Use]) { self.uses = uses.sorted { $0.id < $1.id } }

  subscript(_ id: BlobID) -> ArraySlice<RestoreWindow.Use> {
    var (low, high) = (0, uses.count)
    while low < high {
      let middle = (low + high) / 2
      if uses[middle].id < id { low = middle + 1 } else { high = middle }
    }
    var end = low
    while end < uses.count, uses[end].id == id { end += 1 }
    return uses[low..<end]
  }
}
