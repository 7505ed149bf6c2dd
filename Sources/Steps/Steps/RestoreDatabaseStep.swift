import Foundation
import KubeModel
import Logging
import ObjectStore
import PostgresEngine
import Repository
import TidemarkAPI

/// `restore-database`: preflight, then the base backup into a data directory, with all that its server needs to
/// recover to the chosen moment by itself.
///
/// A run that follows a crash starts over: the data directory belongs to this step until it has ended.
struct RestoreDatabaseStep {
  let input: RestoreDatabaseInput
  let folder: StepFolder
  let logger: Logger

  func run() async throws -> StepProduct {
    switch input.kind {
    case .clone: try await run(serving: PITRClone.self)
    case .restore: try await run(serving: RestoreRequest.self)
    }
  }

  private func run<Resource: KubeStatusResource>(serving kind: Resource.Type) async throws -> StepProduct
  where Resource.Status: RestoringStatus {
    try await StatusReport<Resource>.with(input.resource, input.cluster, every: .seconds(1), logger: logger) { report in
      try await input.store.withStore(in: folder, at: input.database.prefix) { store in
        let archive = try await DatabaseArchive.open(
          store, password: try input.store.password(in: folder), logger: logger)
        let plan = try await preflight(archive)
        var status = Resource.Status()
        status.preflight = PreflightStatus(plan)
        report.tell(status)
        return try await restore(plan, archive, status, report)
      }
    }
  }

  // MARK: Preflight

  private func preflight(_ archive: DatabaseArchive) async throws -> RecoveryPlan {
    if let snapshot = input.snapshot {
      guard let id = SnapshotID(snapshot) else {
        throw StepError(code: .invalidInput, message: "'\(snapshot)' is no snapshot; expected 64 hexadecimal digits")
      }
      return try Preflight(catalog: try await archive.catalog(), bases: try await archive.bases()).plan(backup: id)
    }
    let catalog = try await archive.catalog()
    let preflight = Preflight(catalog: catalog, bases: try await archive.bases())
    return try await preflight.plan(try target(), incarnation: try incarnation(catalog.tree))
  }

  private func target() throws -> RecoveryTarget {
    let moment = input.pointInTime
    if let time = moment.time { return .time(PostgresTime(time)) }
    if let lsn = moment.lsn.flatMap({ LSN($0) }) { return .lsn(lsn) }
    if let xid = moment.xid.flatMap({ UInt64($0) }) { return .xid(UInt32(truncatingIfNeeded: xid)) }
    if let name = moment.name { return .name(name) }
    if moment.latest == true { return .latest }
    throw StepError(
      code: .invalidInput, message: "the moment is missing; expected one of time, lsn, xid, name and latest")
  }

  private func incarnation(_ tree: IncarnationTree) throws -> IncarnationID {
    if let id = input.pointInTime.incarnation ?? input.activeIncarnation { return try BaseBackupStep.incarnation(id) }
    let parents = Set(tree.incarnations.values.compactMap { $0.parent?.id })
    let leaves = tree.incarnations.keys.filter { !parents.contains($0) }.sorted()
    guard leaves.count == 1 else {
      let names = leaves.map(\.text).joined(separator: ", ")
      throw StepError(
        code: .invalidInput,
        message: leaves.isEmpty
          ? "nothing of this database is archived yet; turn spec.pitr on and take a base backup first"
          : "there are several incarnations (\(names)); name one in pointInTime.incarnation")
    }
    return leaves[0]
  }

  // MARK: Restore

  private func restore<Resource: KubeStatusResource>(
    _ plan: RecoveryPlan, _ archive: DatabaseArchive, _ begun: Resource.Status, _ report: StatusReport<Resource>
  ) async throws -> StepProduct where Resource.Status: RestoringStatus {
    try clearDataDirectory()
    let spool = "\(input.recoveryDirectory)/spool"
    let settings = try RecoveryFiles(directory: input.recoveryDirectory, secretsDirectory: input.secretsDirectory)
      .write(
        WALFetchInput(
          store: storeOfServer, database: input.database, configuration: WALFetch.Configuration(plan, spool: spool)),
        from: folder)
    let command = WALFetch.restoreCommand(
      spool: spool,
      command: "\(Self.quoted(input.restoreProgram)) wal fetch --config \(Self.quoted(settings)) \"%f\" \"%p\"")
    let restore = DatabaseRestore(
      repository: archive.repository, plan: plan, restoreCommand: command,
      settings: input.parameters.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) })
    let total = BaseBackupRecord(snapshot: try await archive.repository.snapshot(plan.base.snapshot))?.logicalBytes
    let written = Counter()
    var options = Restorer.Options()
    options.progress = { progress in
      written.set(progress.bytes)
      var status = begun
      status.progress = StepProgress(
        bytesDone: progress.bytes, bytesTotal: total, filesDone: Int64(progress.files), updatedAt: .now)
      report.tell(status)
    }
    try await restore.run(into: input.dataDirectory, options: options)
    return .restoredDatabase(
      RestoredDatabaseProduct(
        preflight: PreflightStatus(plan),
        incarnation: plan.lineage.pieces[plan.lineage.pieces.count - 1].incarnation.text,
        timeline: plan.lineage.timeline.number, serverMajor: try serverMajor(), logicalBytes: written.value))
  }

  /// The store as the server's machine reaches it.
  private var storeOfServer: StoreInput {
    var store = input.store
    if store.caFile == nil { store.caFile = input.authoritiesFile }
    return store
  }

  private func serverMajor() throws -> Int {
    let text = try String(contentsOfFile: "\(input.dataDirectory)/PG_VERSION", encoding: .utf8)
    guard let major = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
      throw StepError(code: .instanceFailed, message: "PG_VERSION of the restored data directory holds no number")
    }
    return major
  }

  private func clearDataDirectory() throws {
    let files = FileManager.default
    guard !files.fileExists(atPath: "\(input.dataDirectory)/postmaster.pid") else {
      throw StepError(
        code: .instanceFailed,
        message: "a server was started on \(input.dataDirectory); what runs is never restored over")
    }
    for name in (try? files.contentsOfDirectory(atPath: input.dataDirectory)) ?? [] {
      try files.removeItem(atPath: "\(input.dataDirectory)/\(name)")
    }
  }

  /// For the shell that runs `restore_command`; PostgreSQL itself takes `%` for its own.
  private static func quoted(_ path: String) -> String {
    "'" + path.replacing("%", with: "%%").replacing("'", with: "'\\''") + "'"
  }
}

extension PreflightStatus {
  init(_ plan: RecoveryPlan) {
    self.init(
      baseBackup: plan.base.snapshot,
      lineage: plan.lineage.pieces.map(\.incarnation.text).reduce(into: []) { names, name in
        if names.last != name { names.append(name) }
      },
      walSegments: Int64(plan.walSegments), missing: plan.missing.isEmpty ? nil : plan.missing)
  }
}
