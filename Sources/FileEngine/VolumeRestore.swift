import CPosix
import Foundation
public import Repository

/// Brings the files of a snapshot into a volume, in place of what is there.
///
/// Expected flow: all that is restored is written into a folder of its own on the volume, each piece verified before it
/// is written. Only when that is complete, and on the disk, do the entries change places, each by a rename: what was
/// there goes into the same folder, kept aside, and what was restored takes its place. What was kept aside is removed
/// when all are in their places.
///
/// Guarantees: until everything is restored and verified, nothing that was there is touched. A crash at any moment
/// leaves each entry as it was or as it is to be; running it again for the same `uid` goes on from there. Of the chosen
/// paths nothing else is touched; without a choice the volume is what the snapshot was, and nothing else.
public struct VolumeRestore: Sendable {
  /// How the folder's name begins that a restore works in, at the volume's root.
  static let asideName = ".tidemark-restore-"

  /// What came of it.
  public struct Report: Sendable, Hashable {
    /// Files that were written.
    public var files: Int64
    /// Bytes of them.
    public var bytes: Int64
    /// Attributes that could not be set, and entries that could not be made; the first of them.
    public var problems: [String]
  }

  private let repository: Repository
  private let progress: @Sendable (FileProgress) -> Void

  /// A restore from `repository`, whose index must have been loaded. `progress` must return soon.
  public init(from repository: Repository, progress: @escaping @Sendable (FileProgress) -> Void = { _ in }) {
    (self.repository, self.progress) = (repository, progress)
  }

  /// Restores `snapshot` into the directory `volume`: all of it, or what lies at `paths`. `uid` names this restore.
  public func run(_ snapshot: Snapshot, into volume: String, paths: [String], uid: String) async throws -> Report {
    let places = RestorePlaces(volume: volume, uid: uid)
    if let plan = try places.readPlan() {
      try places.exchange(plan)
      return plan.report
    }
    try places.begin()
    let report: Report
    do {
      report = try await restore(snapshot, paths, into: places)
    } catch {
      // Nothing changed places: what was restored by then is of no use.
      try? places.discard()
      throw error
    }
    let plan = RestoreExchange(
      entries: try places.entries(paths: paths), files: report.files, bytes: report.bytes, problems: report.problems)
    try places.write(plan)
    try places.exchange(plan)
    return report
  }

  private func restore(_ snapshot: Snapshot, _ paths: [String], into places: RestorePlaces) async throws -> Report {
    var report = Report(files: 0, bytes: 0, problems: [])
    for path in paths.isEmpty ? [""] : paths {
      var options = Restorer.Options()
      options.existing = .replace
      let (before, progress) = (report, progress)
      options.progress = { step in
        var done = FileProgress()
        done.files = before.files + Int64(step.files)
        done.bytes = before.bytes + step.bytes
        progress(done)
      }
      let source = ByteString(path)
      let node = path.isEmpty ? nil : try await SnapshotReader(snapshot, in: repository).node(at: source)
      // The entries of a directory go into a directory of its name; anything else goes under its own name.
      let parents = source.components.dropLast(path.isEmpty || node?.subtree != nil ? 0 : 1)
      let folder = parents.reduce(ByteString(places.fresh)) { $0.appending($1) }
      try places.makeFolder(folder.description)
      let restored = try await Restorer(repository: repository, options: options).restore(
        snapshot, path: source, to: folder)
      report.files += Int64(restored.progress.files)
      report.bytes += restored.progress.bytes
      report.problems += restored.problems.prefix(max(0, FileProblems.bound - report.problems.count))
    }
    return report
  }
}

/// What is to change places, decided once all is restored; written down, so that a run after a crash knows it.
struct RestoreExchange: Codable {
  /// An entry of the volume, by its path from the root.
  struct Entry: Codable {
    var path: String
    /// Whether the snapshot has it; what it has not is only put aside.
    var isRestored: Bool
  }

  var entries: [Entry]
  var files: Int64
  var bytes: Int64
  var problems: [String]

  var report: VolumeRestore.Report { VolumeRestore.Report(files: files, bytes: bytes, problems: problems) }
}

/// The folders of one restore on its volume.
struct RestorePlaces {
  private let volume: String
  private let folder: String
  /// What is restored, before it takes its place.
  let fresh: String
  /// What was there before.
  private let old: String
  private let planFile: String

  init(volume: String, uid: String) {
    self.volume = volume
    folder = "\(volume)/\(VolumeRestore.asideName)\(uid.prefix(8))"
    (fresh, old, planFile) = ("\(folder)/new", "\(folder)/old", "\(folder)/plan.json")
  }

  func readPlan() throws -> RestoreExchange? {
    guard FileManager.default.fileExists(atPath: planFile) else { return nil }
    return try JSONDecoder().decode(RestoreExchange.self, from: Data(contentsOf: URL(filePath: planFile)))
  }

  /// Begins anew: what an earlier run restored, and did not complete, goes.
  func begin() throws {
    try remove(folder)
    try makeFolder(fresh)
    try makeFolder(old)
  }

  /// Removes all that is this restore's.
  func discard() throws { try remove(folder) }

  func makeFolder(_ path: String) throws {
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
  }

  /// What has to change places.
  func entries(paths: [String]) throws -> [RestoreExchange.Entry] {
    guard paths.isEmpty else {
      return paths.map { path in
        let names = ByteString(path).components.map(\.description)
        return RestoreExchange.Entry(path: names.joined(separator: "/"), isRestored: true)
      }
    }
    let restored = try FileManager.default.contentsOfDirectory(atPath: fresh)
    let there = try FileManager.default.contentsOfDirectory(atPath: volume).filter {
      !$0.hasPrefix(VolumeRestore.asideName) && $0 != "lost+found"
    }
    return restored.map { RestoreExchange.Entry(path: $0, isRestored: true) }
      + Set(there).subtracting(restored).sorted().map { RestoreExchange.Entry(path: $0, isRestored: false) }
  }

  func write(_ plan: RestoreExchange) throws {
    try synchronize()
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    try encoder.encode(plan).write(to: URL(filePath: planFile), options: .atomic)
    try synchronize()
  }

  /// Lets old and new change places, going on from wherever an earlier run was ended.
  func exchange(_ plan: RestoreExchange) throws {
    for entry in plan.entries {
      let place = "\(volume)/\(entry.path)"
      let (new, aside) = ("\(fresh)/\(entry.path)", "\(old)/\(entry.path)")
      // Where the new one is gone from its folder, it is in its place.
      if entry.isRestored, !isThere(new) { continue }
      if isThere(place), !isThere(aside) { try move(place, to: aside) }
      if entry.isRestored { try move(new, to: place) }
    }
    try synchronize()
    try remove(folder)
  }

  private func isThere(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  private func move(_ from: String, to place: String) throws {
    try FileManager.default.createDirectory(
      atPath: URL(filePath: place).deletingLastPathComponent().path(percentEncoded: false),
      withIntermediateDirectories: true)
    guard rename(from, place) == 0 else { throw failure("move \(from) to \(place)") }
  }

  private func remove(_ path: String) throws {
    guard isThere(path) else { return }
    try FileManager.default.removeItem(atPath: path)
  }

  private func synchronize() throws {
    let descriptor = open(volume, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open \(volume)") }
    defer { close(descriptor) }
    guard cposix_syncfs(descriptor) == 0 else { throw failure("write \(volume) to its disk") }
  }

  private func failure(_ operation: String) -> RepositoryError {
    RepositoryError(.fileSystem, "could not \(operation): \(String(cString: strerror(errno)))")
  }
}
