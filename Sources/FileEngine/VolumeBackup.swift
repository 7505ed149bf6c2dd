import ObjectStore
public import Repository

/// Puts volumes into snapshots, one each, all or none.
///
/// Expected flow: the volumes are stored one after the other; only when all are durable are their snapshots written, one
/// right after the other. Each says of how many it is one, so that a set that a crash cut short is not taken for whole.
///
/// A file that changes while it is read is read again; one that never holds still is in the snapshot as it was read
/// last, and is told.
///
/// Memory: as that of `Archiver`, a volume at a time.
public struct VolumeBackup: Sendable {
  /// A volume that is mounted.
  public struct Volume: Sendable, Hashable {
    /// The claim.
    public var claim: String
    /// Where it is mounted.
    public var path: String

    /// The volume of `claim` at `path`.
    public init(claim: String, path: String) { (self.claim, self.path) = (claim, path) }
  }

  /// How to do it.
  public struct Options: Sendable {
    /// Which paths, from a volume's root, belong to it.
    public var rules = PathRules()
    /// What has to be equal for a file not to be read.
    public var comparison = Archiver.Comparison.withChangeTime
    /// How often a file is read that changes while it is read.
    public var readings = 3
    /// Called with how far it is; it must return soon.
    public var progress: @Sendable (FileProgress) -> Void = { _ in }

    /// The defaults.
    public init() {}
  }

  /// What came of one volume.
  public struct Report: Sendable {
    /// What its snapshot says.
    public var record: FileRecord
    /// The first of what is not in it as it was.
    public var problems: [FileProblem]
    /// How many files vanished.
    public var vanished: Int
  }

  private let repository: Repository
  private let options: Options

  /// A backup into `repository`, on which the caller holds a shared lock.
  public init(into repository: Repository, options: Options = Options()) {
    (self.repository, self.options) = (repository, options)
  }

  private struct Stored {
    let volume: Volume
    let directory: StoredDirectory
    let start: UnixTime
  }

  /// Stores `volumes` for the Backup with this uid; `parent` gives the snapshot that a claim is compared with.
  public func run(
    _ volumes: [Volume], backup: String, hostname: String, parent: (String) -> Snapshot?
  ) async throws -> [Report] {
    var stored: [Stored] = []
    var before = FileProgress()
    for volume in volumes {
      let start = UnixTime.now
      let directory = try await archiver(after: before).store(ByteString(volume.path), parent: parent(volume.claim))
      before.files += Int64(directory.report.progress.filesDone)
      before.bytes += directory.report.progress.bytesDone
      stored.append(Stored(volume: volume, directory: directory, start: start))
    }
    var reports: [Report] = []
    for one in stored { reports.append(try await commit(one, of: stored.count, backup, hostname)) }
    return reports
  }

  private func archiver(after done: FileProgress) -> Archiver {
    let (rules, progress) = (options.rules, options.progress)
    var archiving = Archiver.Options(progress: { step in
      var all = done
      all.files += Int64(step.filesDone)
      all.bytes += step.bytesDone
      progress(all)
    })
    archiving.readings = options.readings
    archiving.comparison = options.comparison
    archiving.admits = { path, isDirectory in
      // What a restore keeps aside while it works is none of the volume's, nor is what a file system keeps at its root.
      if path.bytes.starts(with: VolumeRestore.asideName.utf8), path.components.count == 1 { return false }
      if path == "lost+found" { return false }
      guard !rules.isEmpty else { return true }
      return isDirectory ? rules.mayAdmit(below: path.description) : rules.admits(path.description)
    }
    return Archiver(repository: repository, options: archiving)
  }

  private func commit(_ stored: Stored, of count: Int, _ backup: String, _ hostname: String) async throws -> Report {
    let tally = stored.directory.report
    let problems = tally.problems.compactMap { FileProblem($0) }
    var told = FileProblems()
    for problem in problems { told.note(problem) }
    var record = FileRecord(
      subject: .volume(claim: stored.volume.claim, of: count), files: Int64(tally.progress.filesDone),
      logicalBytes: tally.progress.bytesDone, addedBytes: Int64(stored.directory.statistics.bytesAdded),
      storedBytes: Int64(stored.directory.statistics.bytesPacked),
      changed: told.breaking, backup: backup)
    let report = try await stored.directory.commit(
      SnapshotDescription(
        time: stored.start, hostname: hostname, paths: ["/\(stored.volume.claim)"], tags: record.tags),
      in: repository)
    record.snapshot = report.snapshot.id
    return Report(record: record, problems: told.kept, vanished: told.vanished)
  }
}

extension FileProblem {
  /// What an archiver tells; nil for sockets, which are never stored.
  init?(_ problem: ArchiveProblem) {
    let kind: Kind
    switch problem.kind {
    case .vanished: kind = .vanished
    case .changedWhileRead: kind = .changed
    case .unreadable: kind = .unreadable
    case .socket: return nil
    }
    self.init(path: problem.path.description, kind: kind, message: problem.message)
  }
}
