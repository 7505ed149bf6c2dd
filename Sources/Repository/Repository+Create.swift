import NIOCore
public import ObjectStore

extension Repository {
  /// Creates a repository at the root of `store`.
  ///
  /// Throws `alreadyExists` when there is one, also when another process was faster by a moment. A crash on the way
  /// leaves a key without a config, which the next creation removes.
  public static func create(
    in store: any ObjectStore, password: RepositoryPassword, options: RepositoryOptions = .init()
  ) async throws -> Repository {
    guard try await config(in: store) == nil else { throw alreadyExists }
    let leftovers = try await keyNames(in: store)
    let config = RepositoryConfig.random()
    let polynomial = try config.checkedPolynomial()
    let material = KeyMaterial.random()
    let keyFile = try JSONCoding.encode(
      await KeyFile.sealing(material, password: password, parameters: options.scrypt))
    let keyName = keysPrefix + SHA256Digest(hashing: keyFile).hexadecimal
    let key = RepositoryKey(material)

    try await store.putOnce(keyName, keyFile)
    do {
      // From this put on there is a repository, so the key had to be there before.
      try await store.putOnce(configKey, key.seal(JSONCoding.encode(config)))
    } catch let error as ObjectStoreError where error.code == .conflictingContent {
      try await store.delete([keyName])
      throw alreadyExists
    }
    try await store.delete(leftovers.map { keysPrefix + $0 })
    return Repository(store: store, config: config, polynomial: polynomial, key: key, options: options)
  }

  /// Opens the repository at the root of `store`, and creates it first where there is none. Any number of processes may
  /// do so at once: they get the same repository.
  public static func openOrCreate(
    in store: any ObjectStore, password: RepositoryPassword, options: RepositoryOptions = .init()
  ) async throws -> Repository {
    do {
      return try await open(in: store, password: password, options: options)
    } catch let error as RepositoryError where error.code == .notFound {
      do {
        return try await create(in: store, password: password, options: options)
      } catch let error as RepositoryError where error.code == .alreadyExists {
        return try await open(in: store, password: password, options: options)
      }
    }
  }

  private static var alreadyExists: RepositoryError {
    RepositoryError(
      .alreadyExists, "there is a restic repository here already; open it, or choose another prefix for a new one")
  }
}
