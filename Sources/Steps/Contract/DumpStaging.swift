import Logging
public import NIOCore
import ObjectStore
import Repository

/// Where a dump that somebody uploads lies until it is loaded: an object of its own in a destination.
///
/// Its key is `imports/<namespace>/<database>/<id>`, below the destination's prefix. It is sealed with the key of the
/// database's repository, which is made where there is none: see ``StagedDump``.
public struct DumpStaging: Sendable {
  /// The most bytes that an upload may have unless told otherwise: 256 GiB.
  public static let defaultLimit: Int64 = 256 << 30

  private let store: StoreInput
  private let secrets: [String: [UInt8]]

  /// Staging in the store that `store` describes, with the secrets that it names.
  public init(store: StoreInput, secrets: [String: [UInt8]]) { (self.store, self.secrets) = (store, secrets) }

  /// A dump that was staged.
  public struct Staged: Sendable, Equatable {
    /// The object's key below the destination's prefix: the `key` of a RestoreRequest's `source.path`.
    public let key: String
    /// How many bytes were uploaded; the object is about as large as they compress.
    public let bytes: Int64
  }

  /// Stores the bytes of `dump`; they are durable on return. Memory is bounded, whatever their number: a few parts of
  /// an upload, and `dump` is read no faster than the store takes it.
  ///
  /// `id` is 1 to 63 letters, digits, hyphens, underscores and dots; a dump that is there under it already is never
  /// replaced. Throws ``StagingError``, an `ObjectStoreError`, or what `dump` throws; then nothing is stored.
  public func put<Dump: AsyncSequence & Sendable>(
    _ dump: Dump, for database: DatabasePlace, id: String, limit: Int64 = DumpStaging.defaultLimit
  ) async throws -> Staged where Dump.Element == ByteBuffer {
    guard (1...63).contains(id.utf8.count),
      id.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) })
    else {
      throw StepError(
        code: .invalidInput,
        message: "'\(id)' is no id of a dump; expected 1 to 63 letters, digits, hyphens, underscores and dots")
    }
    let key = Self.prefix(of: database) + id
    let count = Counter()
    let bounded = BoundedDump(base: dump, limit: limit, count: count)
    try await withStore { store, folder in
      let repository = try await Repository.openOrCreate(
        in: store.scoped(to: database.repositoryPrefix), password: try self.store.password(in: folder),
        options: DatabaseArchive.options(Logger(label: "tidemark.staging")))
      try await store.put(key, stream: SealedDump(base: bounded, key: repository.key), condition: .ifAbsent)
    }
    return Staged(key: key, bytes: count.value)
  }

  /// Removes a staged dump; one that is gone already is success. A key that is none of this database's staged dumps is
  /// refused: whoever may name a key must not be able to remove other objects by it.
  public func remove(_ key: String, of database: DatabasePlace) async throws {
    guard Self.isStaged(key, of: database) else {
      throw StepError(
        code: .invalidInput, message: "'\(key)' is no staged dump; expected a key below \(Self.prefix(of: database))")
    }
    try await withStore { store, _ in try await store.delete([key]) }
  }

  /// Whether `key` is one that a dump for `database` is staged under.
  public static func isStaged(_ key: String, of database: DatabasePlace) -> Bool {
    let prefix = prefix(of: database)
    return key.hasPrefix(prefix) && key.utf8.count > prefix.utf8.count && !key.dropFirst(prefix.count).contains("/")
  }

  /// The database that `key` is a staged dump for; nil where it is none.
  static func place(of key: String) -> DatabasePlace? {
    let parts = key.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 4, parts[0] == "imports" else { return nil }
    let place = DatabasePlace(namespace: parts[1], name: parts[2])
    return isStaged(key, of: place) ? place : nil
  }

  private static func prefix(of database: DatabasePlace) -> String {
    "imports/\(database.namespace)/\(database.name)/"
  }

  private func withStore(_ body: (any ObjectStore, StepFolder) async throws -> Void) async throws {
    let folder = try SecretFolder(secrets: secrets)
    defer { folder.remove() }
    try await store.withStore(in: folder.folder, at: "") { try await body($0, folder.folder) }
  }
}

/// Why an upload was not staged.
public enum StagingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// It has more bytes than are allowed; nothing of it was kept.
  case tooLarge(limit: Int64)
  /// It has no bytes at all.
  case empty

  /// The stable word.
  public var code: String {
    switch self {
    case .tooLarge: "DumpTooLarge"
    case .empty: "DumpEmpty"
    }
  }

  public var description: String {
    switch self {
    case .tooLarge(let limit):
      "the dump has more than \(limit) bytes; compress it with zstd, or put it into the bucket and name its path"
    case .empty: "the dump has no bytes; send the output of pg_dump"
    }
  }
}

/// The bytes of `base`, up to a number of them, counted; none at all is an error.
private struct BoundedDump<Base: AsyncSequence & Sendable>: AsyncSequence, Sendable where Base.Element == ByteBuffer {
  let base: Base
  let limit: Int64
  let count: Counter

  func makeAsyncIterator() -> Iterator { Iterator(base: base.makeAsyncIterator(), limit: limit, count: count) }

  struct Iterator: AsyncIteratorProtocol {
    var base: Base.AsyncIterator
    let limit: Int64
    let count: Counter

    mutating func next() async throws -> ByteBuffer? {
      guard let piece = try await base.next() else {
        guard count.value > 0 else { throw StagingError.empty }
        return nil
      }
      count.set(count.value + Int64(piece.readableBytes))
      guard count.value <= limit else { throw StagingError.tooLarge(limit: limit) }
      return piece
    }
  }
}
