import FileEngine
import Logging
import Repository
import TidemarkAPI

/// `volume-backup`: the files of volumes into a snapshot each, all or none.
///
/// A run that follows a crash starts over: what was read and indexed is found. Where the crash came between two
/// snapshots, those that are there are forgotten; where it came behind the last, they are the product.
struct VolumeBackupStep {
  let input: VolumeBackupInput
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
    var parents: [String: Snapshot] = [:]
    for (record, snapshot) in try await repository.fileRecords() {
      if case .volume(let claim, _) = record.subject { parents[claim] = snapshot }
    }
    let known = input.volumes.map { parents[$0.claim].flatMap { FileRecord(snapshot: $0) }?.logicalBytes }
    let total = known.contains(nil) ? nil : known.reduce(0) { $0 + ($1 ?? 0) }
    var options = VolumeBackup.Options()
    options.rules = PathRules(include: input.include, exclude: input.exclude)
    options.comparison = input.comparesChangeTime ? .withChangeTime : .withoutChangeTime
    options.progress = { done in
      var status = BackupStatus()
      status.progress = FileArchive.progress(done, of: total)
      report.tell(status)
    }
    let volumes = input.volumes.map { VolumeBackup.Volume(claim: $0.claim, path: $0.path) }
    let reports = try await VolumeBackup(into: repository, options: options).run(
      volumes, backup: input.backup.uid, hostname: input.hostname, parent: { parents[$0] })
    for report in reports {
      for problem in report.problems {
        logger.warning("file not stored as it was", metadata: ["file": "\(problem.path)", "problem": "\(problem)"])
      }
    }
    return FileArchive.product(
      reports.map(\.record), problems: reports.flatMap(\.problems), vanished: reports.reduce(0) { $0 + $1.vanished })
  }
}

extension VolumeBackupInput {
  /// What the snapshots say that they were taken of: the application's part of the repository's place.
  var hostname: String { repositoryPrefix.split(separator: "/").dropLast().joined(separator: "/") }
}
