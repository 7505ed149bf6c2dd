public import Foundation
import Glibc
import Synchronization

/// A new, empty folder of a test's own.
///
/// It lies below `$TIDEMARK_TEST_SCRATCH`, or below the folder for temporary files, in one folder a process.
/// `remove()` deletes it; what was not removed goes when the process ends, however it ends: a watcher outside
/// waits for that. Others may enter it, so that PostgreSQL, which runs as a user of its own, gets at its files.
public struct ScratchDirectory: Sendable {
  /// Absolute, without a slash at the end.
  public let path: String

  /// Makes the folder. `name` is for people who look around; a number makes it unique.
  public init(_ name: String = "scratch") throws {
    let parent = try ProcessScratch.shared.path()
    path = "\(parent)/\(name)-\(ProcessScratch.shared.nextNumber())"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    guard chmod(path, 0o755) == 0 else { throw TestSupportError.system("chmod \(path)", errno) }
  }

  /// The path of `name` in this folder.
  public func file(_ name: String) -> String { "\(path)/\(name)" }

  /// The folder as Foundation likes it.
  public var url: URL { URL(fileURLWithPath: path, isDirectory: true) }

  /// Deletes the folder with all that is in it.
  public func remove() {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// Runs `body` with a new folder, and removes it whatever happens.
  public static func with<Result>(
    _ name: String = "scratch", isolation: isolated (any Actor)? = #isolation,
    _ body: (ScratchDirectory) async throws -> Result
  ) async throws -> Result {
    let directory = try ScratchDirectory(name)
    defer { directory.remove() }
    return try await body(directory)
  }
}

/// The one folder of this process, and the watcher that cleans up behind it.
final class ProcessScratch: Sendable {
  static let shared = ProcessScratch()

  private let root = Mutex<String?>(nil)
  private let counter = Atomic<Int>(0)

  func nextNumber() -> Int { counter.add(1, ordering: .relaxed).newValue }

  func path() throws -> String {
    try root.withLock { root in
      if let root { return root }
      let made = try make()
      root = made
      return made
    }
  }

  private func make() throws -> String {
    let environment = ProcessInfo.processInfo.environment
    let base = environment["TIDEMARK_TEST_SCRATCH"] ?? environment["TMPDIR"] ?? "/tmp"
    let path = "\(base)/tidemark-test-\(getpid())"
    try? FileManager.default.removeItem(atPath: path)  // of an earlier process with our number
    try FileManager.default.createDirectory(atPath: "\(path)/run", withIntermediateDirectories: true)
    guard chmod(path, 0o755) == 0 else { throw TestSupportError.system("chmod \(path)", errno) }
    // The watcher outlives us; it calls `down-all`, which ends servers and programs below `path`.
    _ = try Spawn(
      executable: try HackScript.path("follow-owner"),
      arguments: [
        String(getpid()), try ProcessIdentity.startTime(of: getpid()), try HackScript.path("down-all"), path,
      ],
      session: .own, output: "/dev/null", errors: "/dev/null"
    ).start()
    return path
  }
}
