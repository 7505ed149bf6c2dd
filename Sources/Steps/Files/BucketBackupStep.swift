import FileEngine
import Logging
import ObjectStore
import Repository
import TidemarkAPI

/// `bucket-backup`: the objects of a bucket into a snapshot.
///
/// A run that follows a crash starts over: what was read and indexed is found. Where the crash came behind the snapshot,
/// it is found by the Backup's uid, and is the product: one Backup has one snapshot.
struct BucketBackupStep {
  let input: BucketBackupInput
  let folder: StepFolder
  let logger: Logger

  func run() async throws -> StepProduct {
    try await StatusReport<Backup>.with(input.backup, input.cluster, every: .seconds(1), logger: logger) { report in
      try await FileArchive.withRepository(
        of: input.store, at: input.repositoryPrefix, in: folder, logger: logger
      ) { repository in
        let present = try await repository.wholeRecords(of: input.backup.uid)
        guard present.isEmpty else { return FileArchive.product(present, problems: [], vanished: 0) }
        return try await backUp(into: repository, report)
      }
    }
  }

  private func backUp(into repository: Repository, _ report: StatusReport<Backup>) async throws -> StepProduct {
    let parent = try await repository.newest { $0 == .bucket }
    let total = parent.flatMap { FileRecord(snapshot: $0) }?.logicalBytes
    var options = BucketBackup.Options()
    options.prefix = input.bucket.keyPrefix
    options.rules = PathRules(include: input.bucket.include, exclude: input.bucket.exclude)
    options.progress = { done in
      var status = BackupStatus()
      status.progress = FileArchive.progress(done, of: total)
      report.tell(status)
    }
    let source = try input.bucket.store.open(in: folder)
    do {
      let backup = BucketBackup(of: source, into: repository, options: options)
      let outcome = try await backup.run(
        backup: input.backup.uid, hostname: input.bucket.store.bucket, parent: parent)
      await source.shutdown()
      for problem in outcome.problems {
        logger.warning("object not stored as it was", metadata: ["object": "\(problem.path)", "problem": "\(problem)"])
      }
      return FileArchive.product([outcome.record], problems: outcome.problems, vanished: outcome.vanished)
    } catch {
      await source.shutdown()
      throw error
    }
  }
}

extension BucketInput {
  /// What keys begin with that belong to the bucket as it is backed up.
  var keyPrefix: String { store.prefix.isEmpty ? "" : store.prefix + "/" }
}
