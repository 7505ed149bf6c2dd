/// A directory of a snapshot that is being written from outside, in whatever order its entries come.
struct DirectoryDraft {
  enum Entry {
    case leaf(Node.Kind, NodeAttributes)
    case directory(DirectoryDraft)
    /// A file whose writer has not finished.
    case unfinished
  }

  /// Nil as long as only its entries were named.
  var attributes: NodeAttributes?
  var entries: [ByteString: Entry] = [:]

  /// Puts `entry` at `path` below this directory, making the directories between.
  mutating func insert(_ entry: Entry, at path: ArraySlice<ByteString>, of whole: ByteString) throws {
    guard let name = path.first else { return }
    let existing = entries[name]
    if path.count == 1 {
      entries[name] = try merged(entry, with: existing, at: whole)
      return
    }
    var directory: DirectoryDraft
    switch existing {
    case nil: directory = DirectoryDraft()
    case .directory(let known): directory = known
    case .leaf, .unfinished:
      throw RepositoryError(.invalidRequest, "'\(whole)' cannot be put into the snapshot: '\(name)' is no directory")
    }
    // Taken out while it changes, so that its dictionary is not copied.
    entries[name] = nil
    defer { entries[name] = .directory(directory) }
    try directory.insert(entry, at: path.dropFirst(), of: whole)
  }

  private func merged(_ entry: Entry, with existing: Entry?, at path: ByteString) throws -> Entry {
    switch (existing, entry) {
    case (nil, _), (.unfinished, .leaf): return entry
    case (.directory(var known), .directory(let new)) where known.attributes == nil:
      known.attributes = new.attributes
      return .directory(known)
    default: throw RepositoryError(.invalidRequest, "'\(path)' was put into the snapshot twice")
    }
  }

  /// What lies at `path`, if anything.
  func entry(at path: ArraySlice<ByteString>) -> Entry? {
    guard let name = path.first, let entry = entries[name] else { return nil }
    if path.count == 1 { return entry }
    guard case .directory(let directory) = entry else { return nil }
    return directory.entry(at: path.dropFirst())
  }
}
