import Foundation
import NIOCore
import ObjectStore
import TidemarkAPI

/// Finds out whether a destination can be written, read, listed and cleaned.
public struct DestinationProbe: Sendable {
  private let store: StoreInput
  private let secrets: [String: [UInt8]]

  /// A probe of the store that `store` describes, with the secrets that it names.
  public init(store: StoreInput, secrets: [String: [UInt8]]) { (self.store, self.secrets) = (store, secrets) }

  /// Writes, reads back, lists and deletes a small object below the prefix.
  ///
  /// Returns how long that took, in milliseconds. Throws ``FailedProbe``. Gives up after a few short retries, so that a
  /// wrong setting is told within seconds.
  public func run() async throws -> Int64 {
    let folder = try SecretFolder(secrets: secrets)
    defer { folder.remove() }
    do {
      return try await store.withStore(in: folder.folder, at: "", patience: .short) { store in
        try await Self.probe(store)
      }
    } catch let error as ObjectStoreError {
      throw FailedProbe(error)
    }
  }

  private static func probe(_ store: any ObjectStore) async throws -> Int64 {
    let key = ".tidemark-probe/\(UUID().uuidString.lowercased())"
    let body = ByteBuffer(string: "tidemark probe")
    let start = ContinuousClock.now
    try await store.put(key, body)
    do {
      guard try await store.get(key) == body else {
        throw ObjectStoreError(
          .corrupted, operation: "probe", message: "the probe object came back with other bytes than were written")
      }
      var listed = false
      for try await object in store.list(prefix: key, startAfter: nil) { listed = listed || object.key == key }
      guard listed else {
        throw ObjectStoreError(.server, operation: "probe", message: "the probe object is missing in the listing")
      }
    } catch {
      // The probe's own failure is what is told; a probe object that stays is 14 bytes.
      try? await store.delete([key])
      throw error
    }
    try await store.delete([key])
    let took = ContinuousClock.now - start
    return took.components.seconds * 1000 + took.components.attoseconds / 1_000_000_000_000_000
  }
}

/// Finds out whether a bucket can be listed: it is somebody else's, so nothing is written to it.
public struct BucketProbe: Sendable {
  private let store: StoreInput
  private let secrets: [String: [UInt8]]

  /// A probe of the bucket that `store` describes, with the secrets that it names.
  public init(store: StoreInput, secrets: [String: [UInt8]]) { (self.store, self.secrets) = (store, secrets) }

  /// Lists the first object below the prefix. Throws ``FailedProbe``.
  public func run() async throws {
    let folder = try SecretFolder(secrets: secrets)
    defer { folder.remove() }
    do {
      try await store.withStore(in: folder.folder, at: "", patience: .short) { store in
        var objects = store.list(prefix: "").makeAsyncIterator()
        _ = try await objects.next()
      }
    } catch let error as ObjectStoreError {
      throw FailedProbe(error)
    }
  }
}

/// Why a probe failed.
public struct FailedProbe: Error, Sendable, Equatable {
  /// The reason, in the words of the condition.
  public let reason: String
  /// What was wrong and what to do.
  public let message: String

  /// A failure that the given reason names.
  public init(reason: String, message: String) { (self.reason, self.message) = (reason, message) }

  init(_ error: ObjectStoreError) {
    reason =
      switch error.code {
      case .credentialsInvalid: Reason.credentialsInvalid
      case .bucketNotFound: Reason.bucketNotFound
      case .accessDenied: Reason.accessDenied
      default: Reason.endpointUnreachable
      }
    message = error.message
  }
}
