public import Repository

/// Brings the files of snapshots into volumes, in place of what is there: into all of them, or into none.
///
/// Expected flow: all that is restored is written into a folder of its own on each volume, each piece verified before it
/// is written. Only when that is complete for all volumes, and on the disk, do the entries change places, each by a
/// rename: what was there goes into the same folder, kept aside, and what was restored takes its place. What was kept
/// aside is removed when all entries of all volumes are in their places.
///
/// Guarantees: until everything is restored and verified, nothing that was there is touched. Where an entry can't change
/// places, those that did are put back. A crash at any moment leaves each entry as it was or as it is to be; running it
/// again for the same `uid` goes on from there. Of the chosen paths nothing else is touched; without a choice the volume
/// is what the snapshot was, and nothing else. No symbolic link in a volume is followed.
public struct VolumeRestore: Sendable {
  /// How the folder's name begins that a restore works in, at the volume's root.
  static let asideName = ".tidemark-restore-"

  /// A snapshot and the volume that it goes into.
  public struct Volume: Sendable {
    /// What is restored.
    public var snapshot: Snapshot
    /// Where the volume is mounted.
    public var path: String

    /// `snapshot` into the volume at `path`.
    public init(_ snapshot: Snapshot, into path: String) { (self.snapshot, self.path) = (snapshot, path) }
  }

  /// What came of one volume.
  public struct Report: Sendable, Hashable {
    /// Files that were written.
    public var files: Int64
    /// Bytes of them.
    public var bytes: Int64
    /// Attributes that could not be set, and entries that could not be made or removed; the first of them.
    public var problems: [String]
  }

  private let repository: Repository
  private let progress: @Sendable (FileProgress) -> Void

  /// A restore from `repository`, whose index must have been loaded. `progress` must return soon.
  public init(from repository: Repository, progress: @escaping @Sendable (FileProgress) -> Void = { _ in }) {
    (self.repository, self.progress) = (repository, progress)
  }

  /// Restores into `volumes` all of their snapshots, or what lies at `paths` in each. `uid` names this restore.
  public func run(_ volumes: [Volume], paths: [String], uid: String) async throws -> [Report] {
    let paths = try Self.separate(paths)
    let places = try volumes.map { try VolumePlaces(volume: $0.path, uid: uid) }
    let plans = try await prepare(volumes, places, paths)
    var reports = try exchange(places, plans)
    for (index, place) in places.enumerated() {
      // All is in its place: what was there before is only in the way.
      do { try place.discard() } catch { reports[index].problems.append("what was there before: \(error)") }
    }
    return reports
  }

  /// Restores beside what is there, unless an earlier run did.
  private func prepare(
    _ volumes: [Volume], _ places: [VolumePlaces], _ paths: [ByteString]
  ) async throws -> [VolumeExchange] {
    let earlier = try places.map { try $0.readPlan() }
    var plans: [VolumeExchange] = []
    do {
      for (index, volume) in volumes.enumerated() {
        if let plan = earlier[index] {
          plans.append(plan)
          continue
        }
        let place = places[index]
        try place.begin(paths)
        let before = plans.reduce(into: Report(files: 0, bytes: 0, problems: [])) {
          $0.files += $1.files
          $0.bytes += $1.bytes
        }
        let report = try await restore(volume.snapshot, paths, into: place, after: before)
        let plan = VolumeExchange(
          entries: try place.entries(paths), files: report.files, bytes: report.bytes, problems: report.problems)
        try place.write(plan)
        plans.append(plan)
      }
    } catch {
      // Either nothing has changed places on any volume, or everything has: entries begin to when all plans are written,
      // and plans go when all entries have.
      for place in places { try? place.discard() }
      throw error
    }
    return plans
  }

  private func exchange(_ places: [VolumePlaces], _ plans: [VolumeExchange]) throws -> [Report] {
    do {
      for (place, plan) in zip(places, plans) { try place.exchange(plan) }
    } catch {
      do {
        for (place, plan) in zip(places, plans) { try place.putBack(plan) }
      } catch let second {
        throw RepositoryError(
          .fileSystem, "\(error); nor could what was there be put back (\(second)): it lies in \(places.map(\.old))")
      }
      for place in places { try? place.discard() }
      throw error
    }
    return plans.map { Report(files: $0.files, bytes: $0.bytes, problems: $0.problems) }
  }

  /// The paths without those that lie below another.
  private static func separate(_ paths: [String]) throws -> [ByteString] {
    let all = try Set(paths).map { path in
      let names = ByteString(path).components
      guard !names.isEmpty, names.allSatisfy(\.isSafeName) else {
        throw RepositoryError(.invalidRequest, "'\(path)' is no path below a volume's root")
      }
      return names
    }
    return Set(all.filter { names in !all.contains { $0.count < names.count && names.starts(with: $0) } })
      .map { $0.reduce(ByteString("")) { $0.appending($1) } }.sorted()
  }

  private func restore(
    _ snapshot: Snapshot, _ paths: [ByteString], into place: VolumePlaces, after others: Report
  ) async throws -> Report {
    var report = Report(files: 0, bytes: 0, problems: [])
    for path in paths.isEmpty ? [""] : paths {
      var options = Restorer.Options()
      options.existing = .replace
      let (before, progress) = (report, progress)
      options.progress = { step in
        var done = FileProgress()
        done.files = others.files + before.files + Int64(step.files)
        done.bytes = others.bytes + before.bytes + step.bytes
        progress(done)
      }
      let node = path.isEmpty ? nil : try await SnapshotReader(snapshot, in: repository).node(at: path)
      // The entries of a directory go into a directory of its name; anything else goes under its own name.
      let parents = path.components.dropLast(path.isEmpty || node?.subtree != nil ? 0 : 1)
      let folder = try place.makeFresh(parents.reduce(ByteString("")) { $0.appending($1) })
      let restored = try await Restorer(repository: repository, options: options).restore(
        snapshot, path: path, to: folder)
      report.files += Int64(restored.progress.files)
      report.bytes += restored.progress.bytes
      report.problems += restored.problems.prefix(max(0, FileProblems.bound - report.problems.count))
    }
    return report
  }
}
