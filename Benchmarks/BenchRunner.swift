import Glibc
import TestSupport

/// Runs one program's work on one repository, in a process whose use of the machine the system counts, and which starts
/// small whatever this one holds.
struct BenchRunner {
  let program: BenchProgram
  let folder: BenchFolder
  let server: BenchS3
  let prefix: String

  /// Makes the repository; not measured.
  func initialize() async throws {
    switch program {
    case .restic: _ = try spawn(["restic", "-r", server.resticURL(prefix), "init", "--quiet"])
    case .tidemark: _ = try spawn(worker("init", []))
    }
  }

  /// Removes the repository again.
  func remove() async throws { try await server.remove(prefix) }

  /// Forgets all snapshots but the last ones; not measured.
  func forget(allBut kept: Int) async throws {
    switch program {
    case .restic:
      _ = try spawn(
        ["restic", "-r", server.resticURL(prefix), "forget", "--quiet", "--group-by", "", "--keep-last", "\(kept)"])
    case .tidemark: _ = try spawn(worker("forget", ["\(kept)"]))
    }
  }

  func measure(_ work: BenchWork, _ source: String, _ target: String) async throws -> BenchMeasurement {
    var measurement: BenchMeasurement
    switch (program, work) {
    case (.restic, .first), (.restic, .unchanged), (.restic, .changed):
      measurement = try spawn(["restic", "-r", server.resticURL(prefix), "backup", "--quiet", source])
    case (.restic, .restore):
      measurement = try spawn(
        ["restic", "-r", server.resticURL(prefix), "restore", "latest", "--quiet", "--target", target])
    case (.restic, .syncedRestore):
      // restic 0.14 asks for no sync (strace shows none), so it is asked of the system after it, for the same promise.
      measurement = try spawn([
        "sh", "-c",
        "restic -r \(server.resticURL(prefix)) restore latest --quiet --target \(target) && sync -f \(target)",
      ])
    case (.tidemark, .first), (.tidemark, .unchanged), (.tidemark, .changed):
      measurement = try spawn(worker("backup", [source]))
    case (.restic, .prune): measurement = try spawn(["restic", "-r", server.resticURL(prefix), "prune", "--quiet"])
    case (.tidemark, .prune): measurement = try spawn(worker("prune", []))
    case (.tidemark, .restore): measurement = try spawn(worker("restore", [target]))
    case (.tidemark, .syncedRestore): measurement = try spawn(worker("restore", [target, "--synced"]))
    }
    if work == .restore || work == .syncedRestore { try compare(source, target) }
    measurement.stored = try await server.storedBytes(prefix)
    return measurement
  }

  /// Compares what was restored with what was backed up, after the clock has stopped. restic restores below the path
  /// that it backed up.
  private func compare(_ source: String, _ target: String) throws {
    try run(["diff", "--recursive", "--no-dereference", source, program == .restic ? target + source : target])
  }

  private func worker(_ work: String, _ arguments: [String]) throws -> [String] {
    [try builtProgram("tidemark-bench"), "repository-worker", work, prefix] + arguments
  }

  private func spawn(_ arguments: [String]) throws -> BenchMeasurement {
    let environment =
      server.environment + [
        "RESTIC_PASSWORD=bench", "RESTIC_CACHE_DIR=\(folder.path("cache"))", "TMPDIR=\(folder.path("temporary"))",
        "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME=\(folder.path("temporary"))",
      ]
    let file = folder.path("figures")
    let command = try ProgramFigures.launch(to: file) + arguments
    var child: pid_t = 0
    let outcome = withCStrings(command) { arguments in
      withCStrings(environment) { environment in
        arguments[0].map { posix_spawn(&child, $0, nil, nil, arguments, environment) } ?? EINVAL
      }
    }
    guard outcome == 0 else { throw BenchError("'\(command[0])' does not start: error \(outcome)") }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 { guard errno == EINTR else { break } }
    guard status == 0 else { throw BenchError("'\(arguments.joined(separator: " "))' failed with status \(status)") }
    let figures = try ProgramFigures(file: file)
    return BenchMeasurement(
      seconds: figures.seconds, cpuSeconds: figures.cpuSeconds, peakMiB: Double(figures.peakMemory) / 1_048_576,
      stored: 0)
  }
}

/// What a run cost.
struct BenchMeasurement {
  var seconds: Double
  var cpuSeconds: Double
  var peakMiB: Double
  /// Bytes in the repository afterwards.
  var stored: Int64
}

/// Why a benchmark cannot go on.
struct BenchError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// Calls `body` with a null-terminated array of C strings.
private func withCStrings<Result>(
  _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
  var pointers = strings.map { strdup($0) } + [nil]
  defer { for pointer in pointers { free(pointer) } }
  return pointers.withUnsafeMutableBufferPointer { buffer in
    guard let base = buffer.baseAddress else { preconditionFailure("there is a null at least") }
    return body(base)
  }
}
