import NIOCore
public import ObjectStore

extension Repository {
  static let configKey = "config"
  static let keysPrefix = "keys/"

  /// Opens the repository at the root of `store`.
  ///
  /// Throws `notFound` when there is no config, `wrongPassword` when no key opens with the password, and
  /// `unsupportedVersion` for any format version but 2.
  public static func open(
    in store: any ObjectStore, password: RepositoryPassword, options: RepositoryOptions = .init()
  ) async throws -> Repository {
    guard let sealedConfig = try await config(in: store) else {
      throw RepositoryError(
        .notFound,
        "there is no restic repository here: the object 'config' is missing; check bucket and prefix, "
          + "or create the repository first")
    }
    var strangers: [String] = []
    for name in try await keyNames(in: store) {
      guard let material = try await masterKey(name, in: store, password: password) else { continue }
      let key = RepositoryKey(material)
      guard let document = try? key.open(sealedConfig) else {
        strangers.append(name)
        continue
      }
      let config = try JSONCoding.decode(RepositoryConfig.self, from: document, of: "the repository's config")
      let polynomial = try config.checkedPolynomial()
      // A creation that lost a race and died left a key that opens nothing here; restic would stumble over it.
      try await store.delete(strangers.map { keysPrefix + $0 })
      return Repository(store: store, config: config, polynomial: polynomial, key: key, options: options)
    }
    guard strangers.isEmpty else {
      throw RepositoryError(
        .corrupted,
        "the password opens a key, but its master key does not open 'config': the config was changed or "
          + "replaced; restore it from a copy of the repository")
    }
    throw RepositoryError(
      .wrongPassword, "no key of the repository opens with this password; check the Secret that holds it")
  }

  static func config(in store: any ObjectStore) async throws -> ByteBuffer? {
    do {
      return try await store.get(configKey)
    } catch let error as ObjectStoreError where error.code == .notFound {
      return nil
    }
  }

  static func keyNames(in store: any ObjectStore) async throws -> [String] {
    var names: [String] = []
    for try await object in store.list(prefix: keysPrefix) {
      let name = String(object.key.dropFirst(keysPrefix.count))
      if SHA256Digest(hexadecimal: name) != nil { names.append(name) }
    }
    return names
  }

  private static func masterKey(
    _ name: String, in store: any ObjectStore, password: RepositoryPassword
  ) async throws -> KeyMaterial? {
    let bytes: ByteBuffer
    do {
      bytes = try await store.get(keysPrefix + name)
    } catch let error as ObjectStoreError where error.code == .notFound {
      return nil  // removed since it was listed
    }
    guard SHA256Digest(hashing: bytes).hexadecimal == name else {
      throw RepositoryError(
        .corrupted,
        "key \(name) is not what its name says: its bytes were changed; restore the file from a copy, or "
          + "remove it if another key works")
    }
    return try await JSONCoding.decode(KeyFile.self, from: bytes, of: "key \(name)").open(password, name: name)
  }
}
