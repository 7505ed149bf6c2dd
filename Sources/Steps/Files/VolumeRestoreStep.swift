import FileEngine
import Logging
import Repository
import TidemarkAPI

/// `volume-restore`: the files of snapshots into volumes, in place of what is there; into all of them or into none.
///
/// A run that follows a crash starts over, or goes on where entries were already changing places.
struct VolumeRestoreStep {
  let input: VolumeRestoreInput
  let folder: StepFolder
  let logger: Logger

  func run() async throws -> StepProduct {
    try await StatusReport<RestoreRequest>.with(input.request, input.cluster, every: .seconds(1), logger: logger) {
      report in
      try await FileArchive.withRepository(
        of: input.store, at: input.repositoryPrefix, in: folder, logger: logger
      ) { repository in
        try await restore(from: repository, report)
      }
    }
  }

  private func restore(
    from repository: Repository, _ report: StatusReport<RestoreRequest>
  ) async throws -> StepProduct {
    var volumes: [VolumeRestore.Volume] = []
    for volume in input.volumes {
      guard let id = volume.snapshot else {
        throw StepError(code: .invalidInput, message: "volume \(volume.claim) names no snapshot")
      }
      volumes.append(VolumeRestore.Volume(try await FileArchive.snapshot(id, in: repository), into: volume.path))
    }
    let total = volumes.reduce(0) { $0 + (FileRecord(snapshot: $1.snapshot)?.logicalBytes ?? 0) }
    let restore = VolumeRestore(from: repository) { done in
      var status = RestoreRequestStatus()
      status.progress = FileArchive.progress(done, of: input.paths.isEmpty ? total : nil)
      report.tell(status)
    }
    var restored = RestoredFiles(written: 0, writtenBytes: 0, unchanged: 0, deleted: 0)
    for outcome in try await restore.run(volumes, paths: input.paths, uid: input.request.uid) {
      for problem in outcome.problems { logger.warning("not restored as it was", metadata: ["problem": "\(problem)"]) }
      restored.written += outcome.files
      restored.writtenBytes += outcome.bytes
    }
    return .restoredFiles(restored)
  }
}
