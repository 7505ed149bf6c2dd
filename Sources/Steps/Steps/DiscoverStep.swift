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
    let place = DatabasePlace(namespace: input.namespace, name: name)
    do {
      let repository = try await Repository.open(
        in: store.scoped(to: place.repositoryPrefix), password: password, options: DatabaseArchive.options(logger))
      let found = try await repository.snapshots(unknown).compactMap { DiscoveredBackup($0) }.sorted {
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
    // databases/<namespace>/<name>/repo/…
    let parts = object.key.split(separator: "/", maxSplits: 5, omittingEmptySubsequences: false)
    guard parts.count >= 5, parts[0] == "databases", parts[3] == "repo" else { return }
    guard parts[1] == namespace[...] else {
      otherNamespaces.insert(String(parts[1]))
      return
    }
    let name = String(parts[2])
    snapshots[name, default: []].formUnion(
      parts.count == 6 && parts[4] == "snapshots" && SnapshotID(parts[5]) != nil ? [String(parts[5])] : [])
  }
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

extension Snapshot {
  /// The uid of the Backup that it was taken for; nil where it does not say.
  fileprivate var backupUID: String? {
    let prefix = "tidemark:backup="
    return tags.first { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
  }
}
