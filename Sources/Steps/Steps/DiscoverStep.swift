import FileEngine
import KubeModel
import Logging
package import ObjectStore
import PostgresEngine
import Repository
import TidemarkAPI

/// `discover`: counts what lies below a destination's prefix, and finds the backups there that no Backup tells of.
///
/// One listing, a page in memory at a time, gives the bytes and the names of all snapshots. A repository is opened only
/// where it has a snapshot that is not known, so that a run which finds nothing new costs the listing alone.
struct DiscoverStep {
  let input: DiscoverInput
  let folder: StepFolder
  let logger: Logger

  /// How many base backups one run tells of: what a result and one round of creations can hold.
  static let bound = 500

  func run() async throws -> StepProduct {
    let password = try input.store.password(in: folder)
    return try await input.store.withStore(in: folder, at: "") { store in
      var listing = PrefixListing(namespace: input.namespace)
      for try await object in store.list(prefix: "") { listing.take(object) }
      var product = DiscoveryProduct(storedBytes: listing.bytes, otherNamespaces: listing.otherNamespaces.sorted())
      var room = Self.bound
      for (name, present) in listing.snapshots.sorted(by: { $0.key < $1.key }) {
        let found = try await look(into: name, present, room: room, store, password)
        room -= found.database.backups.count
        product.isCut = product.isCut || found.isCut
        product.databases.append(found.database)
      }
      // What was known of a repository that is gone altogether is missing too.
      for (name, known) in input.known.sorted(by: { $0.key < $1.key }) where listing.snapshots[name] == nil {
        product.databases.append(DiscoveredDatabase(name: name, missing: known.sorted()))
      }
      return .discovered(product)
    }
  }

  private func look(
    into name: String, _ present: Set<String>, room: Int, _ store: any ObjectStore, _ password: RepositoryPassword
  ) async throws -> (database: DiscoveredDatabase, isCut: Bool) {
    let known = Set(input.known[name] ?? [])
    var database = DiscoveredDatabase(name: name, missing: known.subtracting(present).sorted())
    let unknown = present.subtracting(known).compactMap { SnapshotID($0) }
    guard !unknown.isEmpty else { return (database, false) }
    guard let place = BackupTarget(identity: name)?.repositoryPrefix(namespace: input.namespace) else {
      return (database, false)
    }
    do {
      let repository = try await Repository.open(
        in: store.scoped(to: place), password: password, options: DatabaseArchive.options(logger))
      let snapshots = try await repository.snapshots(unknown)
      let found = (snapshots.compactMap { DiscoveredBackup($0) } + Self.filesBackups(snapshots)).sorted {
        ($0.completedAt, $0.snapshot) > ($1.completedAt, $1.snapshot)
      }
      database.backups = Array(found.prefix(room))
      return (database, found.count > room)
    } catch let error as RepositoryError {
      // One repository that can't be read hides nothing of the others.
      guard case .failed(let failure) = StepFailure.result(of: error) else { throw error }
      database.failure = failure
      return (database, false)
    }
  }
}

extension DiscoverStep {
  /// The backups of files among `snapshots`, each of as many snapshots as it says: others are half of one, or half
  /// forgotten.
  fileprivate static func filesBackups(_ snapshots: [Snapshot]) -> [DiscoveredBackup] {
    let records = snapshots.compactMap { snapshot in FileRecord(snapshot: snapshot).map { ($0, snapshot) } }
    return Dictionary(grouping: records) { $0.0.backup }.values.compactMap { DiscoveredBackup($0) }
  }
}

/// What the keys below a prefix tell, one after the other.
package struct PrefixListing {
  /// The namespace whose snapshots are noted.
  package let namespace: String
  package private(set) var bytes: Int64 = 0
  /// Ids of snapshots by Database of the namespace; there is an entry for each that has a repository.
  package private(set) var snapshots: [String: Set<String>] = [:]
  package private(set) var otherNamespaces: Set<String> = []

  package init(namespace: String) { self.namespace = namespace }

  package mutating func take(_ object: ObjectInfo) {
    bytes += object.size
    // databases/<namespace>/<name>/repo/…, buckets/<namespace>/<name>/repo/…,
    // applications/<namespace>/<kind>/<name>/repo/…
    let parts = object.key.split(separator: "/", maxSplits: 6, omittingEmptySubsequences: false)
    guard let top = parts.first, let names = Self.names[top], parts.count > names + 3, parts[names + 2] == "repo" else {
      return
    }
    guard parts[1] == namespace[...] else {
      otherNamespaces.insert(String(parts[1]))
      return
    }
    let name = top == "databases" ? String(parts[2]) : ([top] + parts[2..<names + 2]).joined(separator: "/")
    let rest = parts[(names + 3)...].joined(separator: "/").split(separator: "/", omittingEmptySubsequences: false)
    snapshots[name, default: []].formUnion(
      rest.count == 2 && rest[0] == "snapshots" && SnapshotID(rest[1]) != nil ? [String(rest[1])] : [])
  }

  /// How many parts of a key name a target, behind its namespace.
  private static let names: [Substring: Int] = ["databases": 1, "buckets": 1, "applications": 2]
}

extension DiscoveredBackup {
  /// What the tags of a snapshot tell; nil for one that is no backup of ours.
  init?(_ snapshot: Snapshot) {
    if let record = BaseBackupRecord(snapshot: snapshot) {
      let product = BaseBackupProduct(record)
      self.init(
        snapshot: product.snapshot, method: .physical, completedAt: MicroTime(record.stopTime).timestamp,
        size: product.size, postgres: product.postgres, backup: snapshot.backupUID)
    } else if let record = DumpRecord(snapshot: snapshot), let id = record.snapshot {
      self.init(
        snapshot: id.description, method: .logical, completedAt: Timestamp(secondsSince1970: snapshot.time.seconds),
        size: BackupSize(logical: record.logicalBytes, added: record.addedBytes, stored: record.storedBytes),
        backup: record.backup)
    } else {
      return nil
    }
  }
}

extension DiscoveredBackup {
  /// What the records of one backup of files tell; nil for one that is not whole.
  fileprivate init?(_ records: [(record: FileRecord, snapshot: Snapshot)]) {
    guard let first = records.first, let last = records.map(\.snapshot.time).max(),
      case .files(let product) = FileArchive.product(
        records.map(\.record).sorted { $0.claim < $1.claim }, problems: [], vanished: 0),
      let snapshot = product.snapshots.first
    else { return nil }
    if case .volume(_, let count) = first.record.subject, records.count != count { return nil }
    self.init(
      snapshot: snapshot.snapshot, method: .files, completedAt: Timestamp(secondsSince1970: last.seconds),
      size: product.size, backup: first.record.backup, snapshots: product.snapshots)
  }
}

extension FileRecord {
  /// The claim; empty for a bucket.
  fileprivate var claim: String {
    if case .volume(let claim, _) = subject { claim } else { "" }
  }
}

extension Snapshot {
  /// The uid of the Backup that it was taken for; nil where it does not say.
  fileprivate var backupUID: String? {
    let prefix = "tidemark:backup="
    return tags.first { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
  }
}
