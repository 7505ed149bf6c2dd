import ArgumentParser
import Foundation
import NIOCore
import ObjectStore
import Repository

/// Stores a file that is read far faster than the store takes it, restores it, and prints the peak of its memory in
/// each of the two: `stored BYTES` and `restored BYTES`.
struct RepositoryMemory: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "repository-memory")

  @Option(help: "A directory that does not exist: the repository.") var repository: String
  @Option(help: "A directory that does not exist: what is restored.") var target: String
  @Option(help: "Bytes of the file.") var size = 1 << 30
  @Option(help: "Bytes a second that the store takes or gives.") var bytesPerSecond = 64 << 20

  func run() async throws {
    ProcessMemory.boundHeaps()
    var options = RepositoryOptions()
    options.lockSettleTime = .milliseconds(1)
    let store = SlowStore(DirectoryStore(root: repository), bytesPerSecond: bytesPerSecond)
    let repository = try await Repository.create(in: store, password: RepositoryPassword("memory"), options: options)
    Self.resetPeak()
    let snapshot = try await save(in: repository)
    print("stored \(try Self.peak())")
    try await repository.loadIndex()
    Self.resetPeak()
    _ = try await Restorer(repository: repository).restore(snapshot, to: ByteString(target))
    print("restored \(try Self.peak())")
    try compare()
  }

  private func save(in repository: Repository) async throws -> Snapshot {
    let writer = try await SnapshotWriter(repository: repository)
    let file = try writer.file("file", NodeAttributes(mode: 0o600, modified: UnixTime(seconds: 1_700_000_000)))
    var noise = Noise()
    for _ in 0..<size >> 20 { try await file.write(ByteBuffer(bytes: noise.mebibyte())) }
    try await file.finish()
    return try await writer.commit(SnapshotDescription(paths: ["/file"]))
  }

  private func compare() throws {
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: target + "/file"))
    var noise = Noise()
    for place in 0..<size >> 20 {
      guard try file.read(upToCount: 1 << 20) == Data(noise.mebibyte()) else {
        throw ValidationError("what was restored differs in MiB \(place)")
      }
    }
    guard try file.read(upToCount: 1) ?? Data() == Data() else { throw ValidationError("more was restored") }
    try file.close()
  }

  private static func resetPeak() { try? Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs")) }

  private static func peak() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
    guard let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
      throw ValidationError("/proc/self/status has no VmHWM")
    }
    return kibibytes << 10
  }
}

/// Bytes that do not compress, by Marsaglia's xorshift64.
private struct Noise {
  private var state: UInt64 = 0x9E37_79B9_7F4A_7C15

  mutating func mebibyte() -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      for place in stride(from: 0, to: 1 << 20, by: 8) {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        raw.storeBytes(of: state, toByteOffset: place, as: UInt64.self)
      }
      count = 1 << 20
    }
  }
}
