public import NIOCore
import ObjectStore

/// Where a dump that somebody uploads lies until it is loaded: an object of its own in a destination.
///
/// Its key is `imports/<namespace>/<database>/<id>`, below the destination's prefix.
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
    /// How many bytes it has.
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
    let bounded = BoundedDump(base: dump, limit: limit)
    let stored = try await withStore { try await $0.put(key, stream: bounded, condition: .ifAbsent) }
    guard stored.size > 0 else {
      try await remove(key, of: database)
      throw StagingError.empty
    }
    return Staged(key: key, bytes: stored.size)
  }

  /// Removes a staged dump; one that is gone already is success. A key that is none of this database's staged dumps is
  /// refused: whoever may name a key must not be able to remove other objects by it.
  public func remove(_ key: String, of database: DatabasePlace) async throws {
    guard Self.isStaged(key, of: database) else {
      throw StepError(
        code: .invalidInput, message: "'\(key)' is no staged dump; expected a key below \(Self.prefix(of: database))")
    }
    try await withStore { try await $0.delete([key]) }
  }

  /// Whether `key` is one that a dump for `database` is staged under.
  public static func isStaged(_ key: String, of database: DatabasePlace) -> Bool {
    let prefix = prefix(of: database)
    return key.hasPrefix(prefix) && key.utf8.count > prefix.utf8.count && !key.dropFirst(prefix.count).contains("/")
  }

  private static func prefix(of database: DatabasePlace) -> String {
    "imports/\(database.namespace)/\(database.name)/"
  }

  private func withStore<Value>(_ body: (any ObjectStore) async throws -> Value) async throws -> Value {
    let folder = try SecretFolder(secrets: secrets)
    defer { folder.remove() }
    return try await store.withStore(in: folder.folder, at: "", body)
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

/// The bytes of `base`, up to a number of them.
private struct BoundedDump<Base: AsyncSequence & Sendable>: AsyncSequence, Sendable where Base.Element == ByteBuffer {
  let base: Base
  let limit: Int64

  func makeAsyncIterator() -> Iterator { Iterator(base: base.makeAsyncIterator(), limit: limit) }

  struct Iterator: AsyncIteratorProtocol {
    var base: Base.AsyncIterator
    let limit: Int64
    var seen: Int64 = 0

    mutating func next() async throws -> ByteBuffer? {
      guard let piece = try await base.next() else { return nil }
      seen += Int64(piece.readableBytes)
      guard seen <= limit else { throw StagingError.tooLarge(limit: limit) }
      return piece
    }
  }
}
