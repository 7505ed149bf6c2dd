import ObjectStore
import Synchronization

/// One check: what it has found so far, and the index as the files say it is now.
final class CheckRun: Sendable {
  /// What the index says about one pack.
  struct Expectation: Sendable {
    /// Bytes of blobs, header and trailer.
    var size: Int64 = Int64(RepositoryKey.overhead) + 4
    var blobs = 0
  }

  let repository: Repository
  let index = BlobIndex()
  private let expectations = Mutex<[PackID: Expectation]>([:])
  private let findings = Mutex(CheckReport())

  init(_ repository: Repository) { self.repository = repository }

  var report: CheckReport {
    var report = findings.withLock { $0 }
    report.errors.sort { ($0.kind.rawValue, $0.message) < ($1.kind.rawValue, $1.message) }
    report.warnings.sort { ($0.kind.rawValue, $0.message) < ($1.kind.rawValue, $1.message) }
    return report
  }

  var packs: [PackID: Expectation] { expectations.withLock { $0 } }

  func error(_ kind: CheckReport.Finding.Kind, _ message: String) {
    findings.withLock { $0.errors.append(.init(kind: kind, message: message)) }
  }

  func warning(_ kind: CheckReport.Finding.Kind, _ message: String) {
    findings.withLock { $0.warnings.append(.init(kind: kind, message: message)) }
  }

  func count(_ change: @Sendable (inout CheckReport) -> Void) { findings.withLock { change(&$0) } }

  /// Runs `body`; an error about the content of the repository becomes a finding, any other is thrown.
  func finding<Result>(
    _ kind: CheckReport.Finding.Kind, _ subject: String, _ body: () async throws -> Result
  ) async throws -> Result? {
    do {
      return try await body()
    } catch let problem as RepositoryError {
      error(kind, "\(subject): \(problem.message)")
    } catch let problem as ObjectStoreError where [.corrupted, .notFound, .invalidRequest].contains(problem.code) {
      error(kind, "\(subject): \(problem.message)")
    }
    return nil
  }

  func readIndex() async throws {
    _ = try await inParallel(try await repository.list(.index), limit: repository.options.connections) { id in
      let packs = try await self.finding(.indexUnreadable, "index \(id.hexadecimal)") {
        try IndexFile.decode(try await self.repository.load(.index, id), of: "it")
      }
      if let packs { self.note(packs) }
    }
    let (packs, blobs) = expectations.withLock { ($0.count, $0.values.reduce(0) { $0 + $1.blobs }) }
    count {
      $0.packs = packs
      $0.blobs = self.index.count
      $0.redundantBlobs = blobs - self.index.count
    }
  }

  private func note(_ packs: [PackContents]) {
    index.insert(packs)
    expectations.withLock { expectations in
      // A pack may be in several index files, in each of them whole.
      for pack in packs where expectations[pack.id] == nil {
        expectations[pack.id] = pack.blobs.reduce(into: Expectation()) { expectation, blob in
          expectation.blobs += 1
          expectation.size +=
            Int64(blob.length)
            + Int64(blob.uncompressedLength == 0 ? PackHeader.plainEntryLength : PackHeader.compressedEntryLength)
        }
      }
    }
  }

  /// The index against the packs that are there.
  func comparePacks() async throws {
    var missing = packs
    for try await object in repository.store.list(prefix: "data/") {
      guard let name = object.key.split(separator: "/").last, let id = PackID(name) else { continue }
      guard let expected = missing.removeValue(forKey: id) else {
        warning(
          .packNotIndexed,
          "pack \(id) is in no index file: a backup was cut short before its index was written. It takes "
            + "\(object.size) bytes; 'restic prune' removes it")
        continue
      }
      if expected.size != object.size {
        error(
          .packSize,
          "pack \(id) has \(object.size) bytes where the index says \(expected.size): it was cut short or "
            + "replaced; 'restic repair packs' rescues what is whole, then make a new backup")
      }
    }
    for id in missing.keys {
      error(
        .packMissing,
        "pack \(id) is missing, though the index lists it; 'restic repair index' drops it from the "
          + "index, and a new backup stores again what still exists")
    }
  }
}
