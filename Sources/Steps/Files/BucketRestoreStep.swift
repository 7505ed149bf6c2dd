import FileEngine
import Logging
import ObjectStore
import Repository
import TidemarkAPI

/// `bucket-restore`: the objects of a snapshot into a bucket, those that are not there as they were.
///
/// A run that follows a crash starts over, and finds what was written.
struct BucketRestoreStep {
  let input: BucketRestoreInput
  let folder: StepFolder
  let logger: Logger

  func run() async throws -> StepProduct {
    try await StatusReport<RestoreRequest>.with(input.request, input.cluster, every: .seconds(1), logger: logger) {
      report in
      try await FileArchive.withRepository(
        of: input.store, at: input.repositoryPrefix, in: folder, logger: logger
      ) { repository in
        let snapshot = try await FileArchive.snapshot(input.snapshot, in: repository)
        if input.deletesOthers, let left = FileRecord(snapshot: snapshot)?.changed, left > 0 {
          throw StepError(
            code: .invalidInput,
            message: "the backup lacks \(left) objects that could not be read, and files.deleteOthers would delete "
              + "them; restore without it")
        }
        return try await restore(snapshot, from: repository, report)
      }
    }
  }

  private func restore(
    _ snapshot: Snapshot, from repository: Repository, _ report: StatusReport<RestoreRequest>
  ) async throws -> StepProduct {
    let total = FileRecord(snapshot: snapshot)?.logicalBytes
    var options = BucketRestore.Options()
    options.prefix = input.keyPrefix
    options.rules = PathRules(include: input.paths.map { "/" + $0 })
    if input.deletesOthers {
      options.others = .delete(
        below: input.bucket.keyPrefix,
        where: PathRules(include: input.bucket.include, exclude: input.bucket.exclude))
    }
    options.progress = { done in
      var status = RestoreRequestStatus()
      status.progress = FileArchive.progress(done, of: total)
      report.tell(status)
    }
    let target = try input.bucket.store.open(in: folder)
    do {
      let outcome = try await BucketRestore(from: repository, to: target, options: options).run(snapshot)
      await target.shutdown()
      return .restoredFiles(
        RestoredFiles(
          written: outcome.written, writtenBytes: outcome.writtenBytes, unchanged: outcome.unchanged,
          deleted: outcome.deleted))
    } catch {
      await target.shutdown()
      throw error
    }
  }
}
