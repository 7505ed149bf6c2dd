internal import Glibc
internal import Synchronization

/// Walks a `DirectoryStore`'s files in the order of their keys, a page at a time.
///
/// Holds the names of the directories on the way from the root to where it is, and of no others.
final class DirectoryWalk: Sendable {
  private let root: String
  private let prefix: [UInt8]
  private let startAfter: [UInt8]?
  private let levels: Mutex<[Level]?>

  static let pageSize = 1_000

  /// One directory: what is left of it, in reverse order.
  private struct Level {
    var left: [Item]
  }

  /// A file or directory that is still to be visited.
  private struct Item {
    /// The key of an object; what the keys in a directory begin with, including the slash.
    let key: [UInt8]
    let path: String
    let isDirectory: Bool
  }

  init(root: String, prefix: String, startAfter: String?) {
    self.root = root
    self.prefix = Array(prefix.utf8)
    self.startAfter = startAfter.map { Array($0.utf8) }
    levels = Mutex(nil)
  }

  /// The next objects; nil after the last.
  func page() throws -> [ObjectInfo]? {
    var page: [ObjectInfo] = []
    while page.count < Self.pageSize, let item = try nextObject() {
      var status = stat()
      // Deleted since its directory was read: not listed.
      guard lstat(item.path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
      page.append(DirectoryFile.info(status, key: String(decoding: item.key, as: UTF8.self)))
    }
    return page.isEmpty ? nil : page
  }

  /// The beginning of the next key that holds `delimiter` after the prefix, up to and with it.
  func firstPrefix(delimiter: String) throws -> String? {
    let delimiter = Array(delimiter.utf8)
    while let item = try nextObject() {
      let rest = item.key.dropFirst(prefix.count)
      guard let found = rest.indices.first(where: { rest[$0...].starts(with: delimiter) }) else { continue }
      return String(decoding: item.key[..<(found + delimiter.count)], as: UTF8.self)
    }
    return nil
  }

  private func nextObject() throws -> Item? {
    try levels.withLock { levels in
      var stack = try levels ?? [Level(left: items(in: root, below: []))]
      // Two references to it would make every change a copy.
      levels = []
      defer { levels = stack }
      while let level = stack.last {
        guard let item = level.left.last else {
          stack.removeLast()
          continue
        }
        stack[stack.count - 1].left.removeLast()
        if item.isDirectory {
          stack.append(Level(left: try items(in: item.path, below: item.key)))
        } else {
          return item
        }
      }
      return nil
    }
  }

  /// What of a directory is wanted, in reverse order of keys.
  private func items(in path: String, below key: [UInt8]) throws -> [Item] {
    var items = try read(path, below: key)
    items.sort { precedes($1.key, $0.key) }
    // An object that is just moving aside for a directory has two names.
    var last: [UInt8]?
    items.removeAll { item in
      defer { last = item.key }
      return !item.isDirectory && item.key == last
    }
    return items
  }

  private func read(_ path: String, below key: [UInt8]) throws -> [Item] {
    guard let directory = opendir(path) else {
      if [ENOENT, ENOTDIR].contains(errno) { return [] }
      throw SystemError(number: errno).described("list", String(decoding: prefix, as: UTF8.self), path)
    }
    defer { closedir(directory) }
    var items: [Item] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8) { continue }
      let child = path + "/" + String(decoding: name, as: UTF8.self)
      let isDirectory =
        entry.pointee.d_type == DT_DIR || entry.pointee.d_type == DT_UNKNOWN && DirectoryFile.isDirectory(child)
      switch DirectoryKey.entry(name, isDirectory: isDirectory) {
      case .object(let end): items.append(Item(key: key + end, path: child, isDirectory: false))
      case .directory(let part):
        items.append(Item(key: key + part + [UInt8(ascii: "/")], path: child, isDirectory: true))
      case .continuation(let part): items += try read(child, below: key + part)
      case nil: continue
      }
    }
    return items.filter(isWanted)
  }

  private func isWanted(_ item: Item) -> Bool {
    if item.isDirectory {
      let common = min(item.key.count, prefix.count)
      guard item.key.prefix(common) == prefix.prefix(common) else { return false }
      guard let startAfter else { return true }
      return startAfter.starts(with: item.key) || precedes(startAfter, item.key)
    }
    guard item.key.starts(with: prefix) else { return false }
    return startAfter.map { precedes($0, item.key) } ?? true
  }
}
