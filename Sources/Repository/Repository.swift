import NIOCore
public import ObjectStore

/// A restic repository of format version 2, at the root of a store.
///
/// Everything read is verified: a file's name is the hash of its content, every seal is checked, and a blob's plaintext
/// has the hash that is its name. Nothing is reported as saved before it is durable in the store.
///
/// The order for a backup is: `lock(.shared)`, `loadIndex()`, `blobWriter()`, saves, `flush()`, `saveSnapshot(_:)`,
/// release of the lock. The index is to be loaded under the lock, since a prune may remove packs otherwise.
public final class Repository: Sendable {
  /// The random name that the repository got when it was created: 64 hexadecimal digits.
  public let id: String
  /// The master key.
  public let key: RepositoryKey
  /// How its files are cut.
  public let chunkerPolynomial: ChunkerPolynomial
  /// Where it lies.
  public let store: any ObjectStore
  /// How it is read and written.
  public let options: RepositoryOptions

  let index = BlobIndex()
  let indexFiles = IndexFiles()
  let heldLocks = HeldLocks()

  init(
    store: any ObjectStore, config: RepositoryConfig, polynomial: ChunkerPolynomial, key: RepositoryKey,
    options: RepositoryOptions
  ) {
    self.id = config.id
    self.key = key
    self.chunkerPolynomial = polynomial
    self.store = store
    self.options = options
  }
}
