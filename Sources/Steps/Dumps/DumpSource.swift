import Logging
import NIOCore
import ObjectStore
import Repository

/// A dump in a destination, opened.
struct DumpSource {
  /// Its name, for messages.
  let name: String
  let stream: DumpStream

  /// How many bytes were read of how many that are stored.
  typealias Progress = (_ done: Int64, _ total: Int64) -> Void

  /// Opens the dump at `location`, and calls `body` with it; a repository stays locked against a prune meanwhile.
  ///
  /// `store` is scoped to the destination's prefix. Throws an `ObjectStoreError`, a `RepositoryError`, or a ``StepError``
  /// where the location makes no sense.
  static func with<Value>(
    _ location: DumpLocation, in store: any ObjectStore, password: RepositoryPassword, logger: Logger,
    progress: @escaping Progress, _ body: (DumpSource) async throws -> Value
  ) async throws -> Value {
    func open(_ prefix: String) async throws -> Repository {
      try await Repository.open(
        in: store.scoped(to: prefix), password: password, options: DatabaseArchive.options(logger))
    }
    guard let snapshot = location.snapshot else {
      guard let key = location.key else {
        throw StepError(code: .invalidInput, message: "source.key is missing; expected the dump's key")
      }
      let object = try await store.stream(key)
      var stream = DumpStream(object).counted(of: object.length, progress)
      if try await stream.head(StagedDump.signature.count) == StagedDump.signature {
        guard let place = DumpStaging.place(of: key) else {
          throw StepError(
            code: .dumpRefused,
            message: "object '\(key)' is a staged dump that was moved; it opens only where it was staged")
        }
        stream.skip(StagedDump.signature.count)
        stream = stream.decoded(by: StagedDumpDecoder(key: try await open(place.repositoryPrefix).key))
      }
      return try await body(DumpSource(name: "object '\(key)'", stream: stream))
    }
    let repository = try await open(location.repositoryPrefix ?? "")
    return try await repository.withLock(.shared, patience: .seconds(60)) { _ in
      try await repository.loadIndex()
      let found = try await find(location.key.map { ByteString($0) }, of: snapshot, in: repository)
      let stream = DumpStream(try await found.reader.file(at: found.path)).counted(of: found.size, progress)
      let id = found.snapshot.id.map { String("\($0)".prefix(8)) } ?? ""
      return try await body(DumpSource(name: "file '\(found.path)' of snapshot \(id)", stream: stream))
    }
  }

  private struct Found {
    var snapshot: Snapshot
    var reader: SnapshotReader
    var path: ByteString
    var size: Int64
  }

  /// `latest` is the newest snapshot that has the file: a database's repository holds base backups as well.
  private static func find(
    _ path: ByteString?, of idOrLatest: String, in repository: Repository
  ) async throws -> Found {
    let candidates =
      idOrLatest == "latest"
      ? try await repository.snapshots().reversed() : [try await repository.snapshot(idOrLatest)]
    for snapshot in candidates {
      let reader = SnapshotReader(snapshot, in: repository)
      if let path {
        if let node = try await reader.node(at: path), case .file(let size, _) = node.kind {
          return Found(snapshot: snapshot, reader: reader, path: path, size: size)
        }
      } else if let nodes = try await reader.entries(of: ""), nodes.count == 1, case .file(let size, _) = nodes[0].kind
      {
        return Found(snapshot: snapshot, reader: reader, path: nodes[0].name, size: size)
      }
    }
    let wanted = path.map { "file '\($0)'" } ?? "single file"
    throw StepError(
      code: .dumpRefused,
      message: "snapshot \(idOrLatest) has no \(wanted) that could be loaded; 'restic ls' shows what it has")
  }
}
