import CPosix
import Foundation

/// Which data directory is which incarnation's, by inode: that stays when two of them are exchanged.
///
/// Written before the first exchange, so that after a crash it is known whether the exchange took place.
struct DataRecord: Codable {
  private(set) var inodes: [String: UInt64] = [:]

  static func read(from path: String) throws -> DataRecord {
    guard let data = FileManager.default.contents(atPath: path) else { return DataRecord() }
    return try JSONDecoder().decode(DataRecord.self, from: data)
  }

  /// Notes an incarnation's directory, unless it is known.
  mutating func note(_ incarnation: String, inode: UInt64) { inodes[incarnation] = inodes[incarnation] ?? inode }
}

/// Two data directories that change places, both servers being stopped.
struct DataExchange {
  let live: InstanceFolder
  let aside: InstanceFolder
  /// The incarnation whose data are to lie in `live` after.
  let incoming: String
  /// The incarnation whose data lie there before.
  let outgoing: String

  /// Exchanges the directories unless that was done. Throws where a server runs, or where what lies there is neither.
  func run() throws {
    guard live.livePostmaster() == nil, aside.livePostmaster() == nil else {
      throw StepError(
        code: .instanceFailed, message: "a server runs in \(live.path) or \(aside.path); both must be stopped first")
    }
    var record = try DataRecord.read(from: live.dataRecord)
    if record.inodes[incoming] == nil || record.inodes[outgoing] == nil {
      record.note(outgoing, inode: try Self.inode(of: live.data))
      record.note(incoming, inode: try Self.inode(of: aside.data))
      try PrivateFile.write(Array(JSONEncoder().encode(record)), to: live.dataRecord)
      try Self.makeDurable(live.path)
    }
    let (inLive, inAside) = (try Self.inode(of: live.data), try Self.inode(of: aside.data))
    if inLive == record.inodes[incoming] { return }
    guard inLive == record.inodes[outgoing], inAside == record.inodes[incoming] else {
      throw StepError(
        code: .instanceFailed,
        message: "\(live.data) and \(aside.data) are not the two data directories that were to be exchanged; nothing "
          + "was touched. Put \(incoming)'s directory into \(aside.data)")
    }
    guard cposix_exchange(live.data, aside.data) == 0 else {
      throw StepError.system("exchange \(aside.data) with", live.data)
    }
    for folder in [live, aside] { try Self.makeDurable(folder.path) }
  }

  private static func inode(of path: String) throws -> UInt64 {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw StepError.system("look at", path)
    }
    return UInt64(status.st_ino)
  }

  private static func makeDurable(_ folder: String) throws {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw StepError.system("open", folder) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw StepError.system("sync", folder) }
  }
}
