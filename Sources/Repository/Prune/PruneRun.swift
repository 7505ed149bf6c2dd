import ObjectStore

/// One prune, under an exclusive lock: what is there, what is needed of it, what to do, and the doing.
struct PruneRun: Sendable {
  /// An index file as it was found.
  struct IndexEntry: Sendable {
    let id: SHA256Digest
    /// The numbers of its packs.
    let packs: [Int]
  }

  /// The packs in the store, beside what the index says.
  struct Stock: Sendable {
    /// Bytes by number of the pack; nil where it is missing.
    var sizes: [Int64?]
    /// Keys of packs that no index file lists, and their bytes.
    var unreferenced: [String] = []
    var unreferencedBytes: Int64 = 0

    var bytes: Int64 { unreferencedBytes + sizes.reduce(0) { $0 + ($1 ?? 0) } }
  }

  /// Fewer small index files stay as they are.
  static let smallFilesAtLeast = 10

  let repository: Repository
  let lock: RepositoryLock
  let options: PruneOptions
  let index = PruneIndex()

  func run() async throws -> PruneReport {
    var report = PruneReport()
    let files = try await readIndex()
    report.snapshots = try await findNeeded()
    let stock = try await takeStock()
    let uses = index.uses()
    try check(stock, uses)
    var plan = PrunePlan(uses, options, packSize: repository.options.packSize)
    report.bytesBefore = stock.bytes

    try lock.ensureHeld()
    try await repository.store.delete(stock.unreferenced)
    report.packsUnreferenced = stock.unreferenced.count
    report.bytesRemoved = stock.unreferencedBytes
    let written = try await repack(&plan, uses)
    report.bytesUnused = plan.remainingUnused
    report.packsWritten = written.packs
    report.bytesWritten = Int64(written.bytesUploaded)
    // Only now is everything that is needed in packs and index files that stay.
    try lock.ensureHeld()
    report.indexFilesReplaced = try await replaceIndex(files, plan, stock)
    try lock.ensureHeld()
    try await removePacks(plan, stock, &report)
    report.uploadsAborted = try await repository.store.abortUnfinishedPuts(
      prefix: "", olderThan: options.abandonedUploadAge)
    return report
  }

  func tell(_ phase: PruneProgress.Phase, _ done: Int, of total: Int? = nil) {
    options.progress(PruneProgress(phase: phase, done: done, total: total))
  }

  private func readIndex() async throws -> [IndexEntry] {
    let ids = try await repository.list(.index)
    let counter = Counter()
    tell(.readingIndex, 0, of: ids.count)
    return try await inParallel(ids, limit: repository.options.connections) { id in
      let packs = try IndexFile.decode(try await repository.load(.index, id), of: "index \(id.hexadecimal)")
      let entry = IndexEntry(id: id, packs: index.insert(packs))
      tell(.readingIndex, counter.next(), of: ids.count)
      return entry
    }
  }

  private func takeStock() async throws -> Stock {
    var stock = Stock(sizes: Array(repeating: nil, count: index.packCount))
    for try await object in repository.store.list(prefix: "data/") {
      guard let name = object.key.split(separator: "/").last, let id = PackID(name) else { continue }
      if let number = index.number(of: id) {
        stock.sizes[number] = object.size
      } else {
        stock.unreferenced.append(object.key)
        stock.unreferencedBytes += object.size
      }
    }
    return stock
  }

  /// Nothing is touched in a repository in which something needed is missing already: what looks superfluous may be all
  /// that is left to mend it with.
  private func check(_ stock: Stock, _ uses: [PackUse]) throws {
    for (number, use) in uses.enumerated() where use.usedBlobs > 0 {
      guard let size = stock.sizes[number] else {
        throw RepositoryError(
          .blobNotFound,
          "pack \(index.packID(number)) is missing, though snapshots need it. Nothing was pruned; run a check, and see "
            + "whether 'restic repair index' and a new backup mend it")
      }
      guard size == use.size else {
        throw RepositoryError(
          .corrupted,
          "pack \(index.packID(number)) has \(size) bytes where the index says \(use.size). Nothing was pruned; run a "
            + "check, and see whether 'restic repair index' mends it")
      }
    }
  }

  private func removePacks(_ plan: PrunePlan, _ stock: Stock, _ report: inout PruneReport) async throws {
    var keys: [String] = []
    for (number, fate) in plan.fates.enumerated() {
      switch fate {
      case .keep: report.packsKept += 1
      case .repack: report.packsRepacked += 1
      case .remove: report.packsRemoved += 1
      }
      guard fate != .keep, let size = stock.sizes[number] else { continue }
      report.bytesRemoved += size
      keys.append(PackHeader.key(of: index.packID(number)))
    }
    tell(.removingPacks, 0, of: keys.count)
    var done = 0
    while done < keys.count {
      let some = keys[done..<min(done + Self.removedAtOnce, keys.count)]
      try await repository.store.delete(Array(some))
      done += some.count
      tell(.removingPacks, done, of: keys.count)
    }
  }

  /// What one request of S3 can name.
  private static let removedAtOnce = 1000
}
