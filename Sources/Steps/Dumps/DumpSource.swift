import Logging
import NIOCore
import ObjectStore
import Repository

/// A dump in a destination, opened: its bytes and how many there are.
struct DumpSource {
  /// Its name, for messages.
  let name: String
  let bytes: Int64
  let stream: DumpStream

  /// Opens the dump at `location`, and calls `body` with it; a repository stays locked against a prune meanwhile.
  ///
  /// `store` is scoped to the destination's prefix. Throws an `ObjectStoreError`, a `RepositoryError`, or a ``StepError``
  /// where the location makes no sense.
  static func with<Value>(
    _ location: DumpLocation, in store: any ObjectStore, password: @autoclosure () throws -> RepositoryPassword,
    logger: Logger, _ body: (DumpSource) async throws -> Value
  ) async throws -> Value {
    guard let snapshot = location.snapshot else {
      guard let key = location.key else {
        throw StepError(code: .invalidInput, message: "source.key is missing; expected the dump's key")
      }
      return try await body(object(key, store.stream(key)))
    }
    let repository = try await Repository.open(
      in: store.scoped(to: location.repositoryPrefix ?? ""), password: try password(),
      options: DatabaseArchive.options(logger))
    return try await repository.withLock(.shared, patience: .seconds(60)) { _ in
      try await repository.loadIndex()
      return try await body(file(location.key.map { ByteString($0) }, of: snapshot, in: repository))
    }
  }

  private static func object(_ key: String, _ body: ObjectBody) -> DumpSource {
    DumpSource(name: "object '\(key)'", bytes: body.length, stream: DumpStream(body))
  }

  private static func file(
    _ path: ByteString?, of idOrLatest: String, in repository: Repository
  ) async throws -> DumpSource {
    let found = try await find(path, of: idOrLatest, in: repository)
    let content = try await found.reader.file(at: found.path)
    return DumpSource(
      name: "file '\(found.path)' of snapshot \(found.snapshot.id.map { "\($0)".prefix(8) } ?? "")", bytes: found.size,
      stream: DumpStream(content))
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
