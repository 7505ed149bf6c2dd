import ArgumentParser
import Glibc

/// The repository beside `restic`: the same data, the same S3 server, the same run.
struct RepositoryBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "repository",
    abstract: "Backs up, backs up again and restores, by restic and by Tidemark, and prints both in a table.")

  @Option(help: "How much data, as a part of 20,000 small files (608 MB) and one file of 2 GiB.")
  var scale = 0.5

  @Option(help: "How often each row is measured; the table has the medians.")
  var repeats = 3

  @Option(help: "Only this data set: 'small' or 'large'.")
  var only: String?

  func validate() throws {
    guard scale > 0, scale <= 100 else { throw ValidationError("--scale is above 0 and at most 100") }
    guard repeats > 0 else { throw ValidationError("--repeats is at least 1") }
    guard only == nil || only == "small" || only == "large" else {
      throw ValidationError("--only is 'small' or 'large'")
    }
  }

  func run() async throws {
    let folder = try BenchFolder()
    defer { folder.remove() }
    let server = try BenchS3(folder: folder)
    defer { server.stop() }
    var table = BenchTable()
    if only != "large" {
      try await measure(SmallFiles(count: Int(20_000 * scale)), folder, server, &table)
    }
    if only != "small" {
      try await measure(LargeFile(bytes: Int64(2 * 1024 * 1024 * 1024 * scale)), folder, server, &table)
    }
    let runs = repeats == 1 ? "one run" : "medians of \(repeats) runs"
    show("## Repository, beside restic: scale \(scale), \(runs)\n\n\(table.text)\n")
  }

  private func measure(
    _ data: any BenchData, _ folder: BenchFolder, _ server: BenchS3, _ table: inout BenchTable
  ) async throws {
    var made: [String] = []
    for round in 1...repeats {
      // Who comes second finds the server and the disk warmer: they take turns.
      for program in round.isMultiple(of: 2) ? BenchProgram.allCases.reversed() : BenchProgram.allCases {
        let name = "source-\(program)-\(round)"
        let source = folder.path(name)
        // The same numbers make the same data for both, so that what they store can be compared.
        say("\(data.name): making the data, round \(round)")
        try data.make(at: source)
        let runner = BenchRunner(
          program: program, folder: folder, server: server, prefix: "\(getpid())/\(data.key)-\(program)-\(round)")
        try await runner.initialize()
        for work in BenchWork.allCases {
          if work == .changed { try data.change(oneOf: 100, round: 0, at: source) }
          if work == .prune { try await outdate(data, at: source, runner) }
          say("\(data.name): \(program), \(work.rawValue)")
          let target = "target-\(program)-\(round)-\(made.count)"
          made.append(target)
          table.add(
            try await runner.measure(work, source, folder.path(target)), "\(data.name): \(work.rawValue)", program)
        }
        try await runner.remove()
        made.append(name)
      }
    }
    // Nothing is removed before: ext4 looks for inodes that were not in use a moment ago, so whoever makes thousands of
    // files just after thousands were removed pays for that, and it would always be the same one.
    for name in made { try folder.empty(name) }
  }
}

extension RepositoryBench {
  /// Three more backups, each of a tenth changed, and the older half of the snapshots forgotten; not measured.
  private func outdate(_ data: any BenchData, at source: String, _ runner: BenchRunner) async throws {
    for round in 1...3 {
      try data.change(oneOf: 10, round: round, at: source)
      _ = try await runner.measure(.changed, source, source)
    }
    try await runner.forget(allBut: 3)
  }
}

/// What is measured, in this order.
enum BenchWork: String, CaseIterable {
  case first = "first backup"
  case unchanged = "nothing changed"
  case changed = "1 % changed"
  case restore = "restore"
  case syncedRestore = "restore and sync (restic leaves that to the system)"
  case prune = "prune, half forgotten"
}

/// Who does it.
enum BenchProgram: String, CaseIterable, CustomStringConvertible {
  case restic
  case tidemark

  var description: String { rawValue }
}

/// Says on the standard error stream what is being done.
func say(_ text: String) {
  let line = Array("bench: \(text)\n".utf8)
  _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

/// Prints a table at once, so that it is there whatever comes after it.
func show(_ text: String) {
  print(text)
  fflush(nil)
}
