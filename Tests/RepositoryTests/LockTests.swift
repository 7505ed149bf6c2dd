import Foundation
import NIOCore
import ObjectStore
import Repository
import Testing

@Suite struct LockTests {
  @Test("shared locks stand beside each other, an exclusive one alone")
  func kinds() async throws {
    let scratch = try ScratchRepository()
    let repository = try await scratch.create()
    let first = try await repository.lock(.shared)
    let second = try await repository.lock(.shared)
    let error = await expect(.locked) { try await repository.lock(.exclusive) }
    #expect(error?.message.contains("process \(ProcessInfo.processInfo.processIdentifier)") == true)
    try await first.release()
    try await second.release()
    let alone = try await repository.lock(.exclusive)
    await expect(.locked) { try await repository.lock(.shared) }
    await expect(.locked) { try await repository.lock(.exclusive) }
    try await alone.release()
    #expect(try lockFiles(scratch).isEmpty)
  }

  @Test("restic sees our locks: beside a shared one it backs up but does not prune, beside an exclusive one neither")
  func resticSeesOurs() async throws {
    let scratch = try ScratchRepository()
    let repository = try await scratch.create()
    try scratch.write("x".utf8, to: "source/x")
    let shared = try await repository.lock(.shared)
    try await scratch.restic("backup", scratch.path + "/source")
    let refused = try await scratch.restic("prune", expecting: 1)
    #expect(refused.contains("already locked by PID \(ProcessInfo.processInfo.processIdentifier)"), "\(refused)")
    try await shared.release()
    try await scratch.restic("prune")
    let exclusive = try await repository.lock(.exclusive)
    let answer = try await scratch.restic("backup", scratch.path + "/source", expecting: 1)
    #expect(answer.contains("already locked exclusively by PID"), "\(answer)")
    try await exclusive.release()
    try await scratch.restic("check")
  }

  @Test("we see restic's locks while its process lives, and take them for stale when it was killed")
  func weSeeRestics() async throws {
    let scratch = try ScratchRepository()
    let repository = try await scratch.create()
    // A backup from standard input holds its lock for as long as the input stays open.
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/restic")
    process.arguments = ["--no-cache", "-r", scratch.root, "backup", "--stdin"]
    process.environment = ProcessInfo.processInfo.environment.merging(["RESTIC_PASSWORD": scratch.password]) { $1 }
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    process.standardError = output
    try process.run()
    for _ in 0..<2000 where try lockFiles(scratch).isEmpty { try await Task.sleep(for: .milliseconds(10)) }
    let error = await expect(.locked) { try await repository.lock(.exclusive) }
    #expect(error?.message.contains("process \(process.processIdentifier)") == true, "\(String(describing: error))")
    try await repository.lock(.shared).release()
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    #expect(try lockFiles(scratch).count == 1)
    try await repository.lock(.exclusive).release()
    #expect(try lockFiles(scratch).isEmpty)
  }

  @Test("a lock is stale after 30 minutes, or when its process on this host is gone; another host's is respected")
  func staleness() async throws {
    let scratch = try ScratchRepository()
    let repository = try await scratch.create()
    let host = ProcessInfo.processInfo.hostName
    let child = Process()
    child.executableURL = URL(fileURLWithPath: "/bin/true")
    try child.run()
    child.waitUntilExit()
    let here = getpid()
    let cases: [(age: TimeInterval, host: String, pid: Int32, isStale: Bool)] = [
      (31 * 60, "elsewhere", 1, true), (29 * 60, "elsewhere", 1, false),
      (0, "elsewhere", child.processIdentifier, false),
      (0, host, child.processIdentifier, true), (0, host, here, false), (31 * 60, host, here, true),
    ]
    for (age, host, pid, isStale) in cases {
      let time = ISO8601DateFormatter().string(from: Date(timeIntervalSinceNow: -age))
      let lock = """
        {"time":"\(time)","exclusive":true,"hostname":"\(host)","username":"somebody","pid":\(pid)}
        """
      let sealed = try repository.key.seal(ByteBuffer(string: lock))
      try await scratch.store.put("locks/\(SHA256Digest(hashing: sealed).hexadecimal)", sealed)
      if isStale {
        try await repository.lock(.shared).release()
        #expect(try lockFiles(scratch).isEmpty, "\(lock)")
      } else {
        let error = await expect(.locked) { try await repository.lock(.shared) }
        #expect(error?.message.contains("somebody@\(host)") == true)
        try await scratch.restic("unlock", "--remove-all")
      }
    }
  }

  @Test("a lock is renewed while it is held, by a new file, and removed at the end")
  func renewal() async throws {
    let scratch = try ScratchRepository()
    var options = ScratchRepository.quick
    options.lockRefreshInterval = .milliseconds(20)
    let repository = try await scratch.create(options)
    let lock = try await repository.lock(.shared)
    let first = lock.file
    for _ in 0..<1000 where lock.file == first { try await Task.sleep(for: .milliseconds(5)) }
    #expect(lock.file != first)
    try lock.ensureHeld()
    try await lock.release()
    #expect(try lockFiles(scratch).isEmpty)
  }

  @Test("who could not renew its lock for too long writes no index file and no snapshot, and prunes nothing")
  func lapsed() async throws {
    let scratch = try ScratchRepository()
    let snapshot = try await HandMadeSnapshot.save(["a": noise(10_000, seed: 1)], in: try await scratch.create())
    var options = ScratchRepository.quick
    options.lockRefreshInterval = .seconds(3_600)
    options.lockTrustedFor = .milliseconds(300)
    let repository = try await scratch.open(options)
    let lock = try await repository.lock(.shared)
    let writer = try await repository.blobWriter()
    _ = try await writer.save(.data, noise(10_000, seed: 2))
    let before = try scratch.files().filter { !$0.hasPrefix("data/") }
    try await Task.sleep(for: .milliseconds(400))
    await expect(.lockLost) { try await writer.flush() }
    await expect(.lockLost) { try await repository.saveSnapshot(snapshot) }
    #expect(try scratch.files().filter { !$0.hasPrefix("data/") } == before)
    await writer.close()
    try await lock.release()

    try await repository.forget([snapshot.id].compactMap { $0 })
    options.lockTrustedFor = .zero
    let late = try await scratch.open(options)
    let packs = try scratch.files()
    await expect(.lockLost) { try await late.prune() }
    #expect(try scratch.files() == packs)
  }

  @Test("a cancelled holder still takes its lock away")
  func cancelledHolder() async throws {
    let scratch = try ScratchRepository()
    let repository = try await scratch.create()
    let task = Task {
      try await repository.withLock(.exclusive) { _ in try await Task.sleep(for: .seconds(60)) }
    }
    for _ in 0..<1000 where try lockFiles(scratch).isEmpty { try await Task.sleep(for: .milliseconds(5)) }
    task.cancel()
    await #expect(throws: (any Error).self) { try await task.value }
    #expect(try lockFiles(scratch).isEmpty)
  }

  @Test("patience waits for a lock that is released in time")
  func patience() async throws {
    let scratch = try ScratchRepository()
    let repository = try await scratch.create()
    let holder = try await repository.lock(.exclusive)
    async let waiting = repository.lock(.shared, patience: .seconds(20))
    try await Task.sleep(for: .milliseconds(100))
    try await holder.release()
    try await waiting.release()
  }

  @Test("of many that want an exclusive lock at once, never two get it")
  func race() async throws {
    let scratch = try ScratchRepository()
    let repository = try await scratch.create()
    for _ in 0..<20 {
      let winners = await withTaskGroup(of: RepositoryLock?.self) { group in
        for _ in 0..<4 { group.addTask { try? await repository.lock(.exclusive) } }
        return await group.reduce(into: [RepositoryLock]()) { if let lock = $1 { $0.append(lock) } }
      }
      #expect(winners.count <= 1)
      for winner in winners { try await winner.release() }
      #expect(try lockFiles(scratch).isEmpty)
    }
  }

  private func lockFiles(_ scratch: ScratchRepository) throws -> [String] {
    try scratch.files().filter { $0.hasPrefix("locks/") }
  }
}
