import ObjectStore
import Repository
import TidemarkAPI

/// Finds out whether a destination's password opens what lies there already.
public struct RepositoryProbe: Sendable {
  private let store: StoreInput
  private let secrets: [String: [UInt8]]
  private let namespace: String

  /// A probe of the repositories of `namespace` in the store that `store` describes, with the secrets that it names.
  public init(store: StoreInput, secrets: [String: [UInt8]], namespace: String) {
    (self.store, self.secrets, self.namespace) = (store, secrets, namespace)
  }

  /// What came of it.
  public enum Finding: Sendable, Equatable {
    /// There is no repository yet.
    case noRepository
    /// The password opens the repository at this place below the prefix.
    case opens(String)
    /// No key of the repository at this place opens with the password.
    case refused(String)
    /// The repository at this place can't be read for another reason, which its own steps tell.
    case unreadable(String)
  }

  /// A digest of what the answer depends on: place and password. It does not give the password away.
  public var fingerprint: String {
    let place = [store.endpoint, store.bucket, store.prefix, namespace].map { Array($0.utf8) }
    return Fingerprint.of(
      place + [secrets[store.passwordFile.split(separator: "/").last.map { String($0) } ?? ""] ?? []])
  }

  /// Opens the first repository that there is, which costs two listings and, by intent of scrypt, some CPU time.
  ///
  /// One stands for all: a destination has one password. Throws ``FailedProbe`` where the store fails.
  public func run() async throws -> Finding {
    let folder = try SecretFolder(secrets: secrets)
    defer { folder.remove() }
    let password = try store.password(in: folder.folder)
    do {
      return try await store.withStore(in: folder.folder, at: "", patience: .short) { store in
        guard let place = try await first(in: store) else { return .noRepository }
        do {
          _ = try await Repository.open(in: store.scoped(to: place), password: password)
          return .opens(place)
        } catch let error as RepositoryError {
          return error.code == .wrongPassword ? .refused(place) : .unreadable(place)
        }
      }
    } catch let error as ObjectStoreError {
      throw FailedProbe(error)
    }
  }

  /// The place of a repository; databases that have none (yet) are passed over.
  private func first(in store: any ObjectStore) async throws -> String? {
    for database in try await store.commonPrefixes(prefix: "databases/\(namespace)/", delimiter: "/").prefix(20) {
      let place = database + "repo/"
      if try await store.exists(place + "config") { return place }
    }
    return nil
  }
}
