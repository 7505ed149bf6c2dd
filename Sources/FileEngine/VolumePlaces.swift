import CPosix
import Foundation
import Repository

/// What is to change places, decided once all is restored; written down, so that a run after a crash knows it.
struct VolumeExchange: Codable {
  /// An entry of the volume.
  struct Entry: Codable {
    /// Its path from the root, as the file system has it: in no promised encoding.
    var place: [UInt8]
    /// Whether the snapshot has it; what it has not is only put aside.
    var isRestored: Bool
  }

  var entries: [Entry]
  var files: Int64
  var bytes: Int64
  var problems: [String]
}

/// The folders of one restore on its volume. Paths are from the volume's root, and no symbolic link in them is followed.
struct VolumePlaces {
  private let volume: ByteString
  private let root: OpenDirectory
  private let folder: ByteString
  /// What is restored, before it takes its place.
  private let fresh: ByteString
  /// What was there before.
  let old: ByteString
  private let plan: ByteString

  /// Opens the volume.
  init(volume: String, uid: String) throws {
    self.volume = ByteString(volume)
    root = try OpenDirectory(open(volume, O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open \(volume)")
    folder = ByteString("\(VolumeRestore.asideName)\(uid.prefix(8))")
    (fresh, old, plan) = (folder.appending("new"), folder.appending("old"), folder.appending("plan.json"))
  }

  func readPlan() throws -> VolumeExchange? {
    guard try isThere(plan) else { return nil }
    return try JSONDecoder().decode(VolumeExchange.self, from: Data(contentsOf: url(of: plan)))
  }

  /// Begins anew: what an earlier run restored, and did not complete, goes. Throws where one of `paths` can't be
  /// exchanged.
  func begin(_ paths: [ByteString]) throws {
    for path in paths { _ = try isThere(path) }
    try discard()
    _ = try makeFresh("")
    try makeFolders(old)
  }

  /// Removes all that is this restore's. The plan goes first: where there is one, what it tells of is there.
  func discard() throws {
    guard try isThere(folder) else { return }
    if try isThere(plan) {
      try FileManager.default.removeItem(at: url(of: plan))
      try synchronize()
    }
    try FileManager.default.removeItem(at: url(of: folder))
  }

  /// Makes a folder for what is restored to `path`; the whole path of it.
  func makeFresh(_ path: ByteString) throws -> ByteString {
    let place = path.isEmpty ? fresh : fresh.appending(path)
    try makeFolders(place)
    return volume.appending(place)
  }

  /// What has to change places: `paths`, or everything.
  func entries(_ paths: [ByteString]) throws -> [VolumeExchange.Entry] {
    guard paths.isEmpty else { return paths.map { VolumeExchange.Entry(place: $0.bytes, isRestored: true) } }
    let restored = try volume.appending(fresh).namesInDirectory()
    let there = try volume.namesInDirectory().filter {
      !$0.bytes.starts(with: VolumeRestore.asideName.utf8) && $0 != "lost+found"
    }
    return restored.map { VolumeExchange.Entry(place: $0.bytes, isRestored: true) }
      + Set(there).subtracting(restored).sorted().map { VolumeExchange.Entry(place: $0.bytes, isRestored: false) }
  }

  func write(_ exchange: VolumeExchange) throws {
    try synchronize()
    try JSONEncoder().encode(exchange).write(to: url(of: plan), options: .atomic)
    try synchronize()
  }

  /// Lets old and new change places, going on from wherever an earlier run was ended.
  func exchange(_ plan: VolumeExchange) throws {
    for entry in plan.entries {
      let (place, new, aside) = paths(of: entry)
      // Where the new one is gone from its folder, it is in its place.
      if entry.isRestored, try !isThere(new) { continue }
      if try isThere(place), try !isThere(aside) { try move(place, to: aside) }
      if entry.isRestored { try move(new, to: place) }
    }
    try synchronize()
  }

  /// Undoes ``exchange(_:)``, however far it came.
  func putBack(_ plan: VolumeExchange) throws {
    for entry in plan.entries.reversed() {
      let (place, new, aside) = paths(of: entry)
      if entry.isRestored, try !isThere(new), try isThere(place) { try move(place, to: new) }
      if try isThere(aside), try !isThere(place) { try move(aside, to: place) }
    }
    try synchronize()
  }

  private func paths(of entry: VolumeExchange.Entry) -> (place: ByteString, new: ByteString, aside: ByteString) {
    let place = ByteString(entry.place)
    return (place, fresh.appending(place), old.appending(place))
  }

  // MARK: Below the root

  private func url(of path: ByteString) -> URL { URL(filePath: volume.appending(path).description) }

  private func isThere(_ path: ByteString) throws -> Bool {
    let (parent, name) = Self.split(path)
    guard let directory = try directory(parent) else { return false }
    var status = stat()
    if name.withCString({ fstatat(directory.number, $0, &status, AT_SYMLINK_NOFOLLOW) }) == 0 { return true }
    guard errno == ENOENT else { throw failure("look for \(path)") }
    return false
  }

  private func move(_ from: ByteString, to place: ByteString) throws {
    let (parent, name) = Self.split(from)
    let (newParent, newName) = Self.split(place)
    try makeFolders(newParent)
    guard let source = try directory(parent), let target = try directory(newParent) else {
      throw failure("move \(from) to \(place)")
    }
    let result = name.withCString { old in
      newName.withCString { renameat(source.number, old, target.number, $0) }
    }
    guard result == 0 else { throw failure("move \(from) to \(place)") }
  }

  private func makeFolders(_ path: ByteString) throws {
    var parent = ByteString("")
    for name in path.components {
      guard let directory = try directory(parent) else { throw failure("open \(parent)") }
      let result = name.withCString { mkdirat(directory.number, $0, parent.isEmpty && name == folder ? 0o700 : 0o755) }
      guard result == 0 || errno == EEXIST else { throw failure("make \(path)") }
      parent = parent.appending(name)
    }
  }

  /// The directory at `path`; nil where there is none.
  private func directory(_ path: ByteString) throws -> OpenDirectory? {
    guard !path.isEmpty else { return root }
    let number = path.withCString { cposix_open_beneath(root.number, $0, O_RDONLY | O_DIRECTORY, 0) }
    if number < 0, errno == ENOENT { return nil }
    return try OpenDirectory(number, "open \(path) in \(volume), where it has to be a directory and no symbolic link")
  }

  private static func split(_ path: ByteString) -> (parent: ByteString, name: ByteString) {
    let names = path.components
    return (names.dropLast().reduce("") { $0.appending($1) }, names.last ?? "")
  }

  private func synchronize() throws {
    guard cposix_syncfs(root.number) == 0 else { throw failure("write \(volume) to its disk") }
  }

  private func failure(_ operation: String) -> RepositoryError { .system(operation) }
}

/// An open directory, closed when the last user lets go of it.
private final class OpenDirectory: Sendable {
  let number: Int32

  init(_ number: Int32, _ operation: String) throws {
    guard number >= 0 else { throw RepositoryError.system(operation) }
    self.number = number
  }

  deinit { close(number) }
}

extension RepositoryError {
  /// What the system refused just now.
  fileprivate static func system(_ operation: String) -> RepositoryError {
    RepositoryError(.fileSystem, "could not \(operation): \(String(cString: strerror(errno)))")
  }
}
