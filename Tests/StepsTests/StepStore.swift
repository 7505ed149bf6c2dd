import NIOCore
import ObjectStore
import Steps
import TestSupport
import Testing
import TidemarkAPI

/// A destination of a test's own on the shared S3 server, as a step's input has it.
struct StepStore {
  let server: TestS3
  let bucket: String
  let input: StoreInput
  let secrets: [String: [UInt8]]

  /// The repositories' password.
  static let password = "a repository's password"

  init(prefix: String = "team/backups") async throws {
    server = try await TestServers.s3()
    bucket = try await server.makeBucket()
    secrets = [
      "key": Array(server.keys.accessKey.utf8), "secret": Array(server.keys.secretKey.utf8),
      "password": Array(Self.password.utf8),
    ]
    func path(_ name: String) -> String { "\(StepRequest.secretsFolder)/\(name)" }
    input = StoreInput(
      endpoint: server.endpoint, region: server.region, bucket: bucket, prefix: prefix, addressingStyle: .path,
      accessKeyIDFile: path("key"), secretAccessKeyFile: path("secret"), insecureSkipVerify: false,
      passwordFile: path("password"))
  }

  /// Runs `body` with the store itself, below the destination's prefix.
  func withStore<Value>(_ body: (any ObjectStore) async throws -> Value) async throws -> Value {
    let store = try S3Store(
      configuration: S3Configuration(
        endpoint: S3Endpoint(url: server.endpoint, region: server.region), bucket: bucket, addressing: .path),
      credentials: S3Credentials(accessKeyID: server.keys.accessKey, secretAccessKey: server.keys.secretKey))
    do {
      let value = try await body(store.scoped(to: input.prefix))
      await store.shutdown()
      return value
    } catch {
      await store.shutdown()
      throw error
    }
  }

  /// The keys of all staged dumps.
  func dumps() async throws -> [String] {
    try await withStore { store in
      var keys: [String] = []
      for try await object in store.list(prefix: "imports/") { keys.append(object.key) }
      return keys
    }
  }
}

/// Buffers in a row, as a client's body would come.
struct Pieces: AsyncSequence, Sendable {
  var count: Int
  var piece: ByteBuffer
  /// Thrown after the last one.
  var failure: (any Error)?

  func makeAsyncIterator() -> Iterator { Iterator(left: count, piece: piece, failure: failure) }

  struct Iterator: AsyncIteratorProtocol {
    var left: Int
    let piece: ByteBuffer
    let failure: (any Error)?

    mutating func next() async throws -> ByteBuffer? {
      guard left > 0 else {
        if let failure { throw failure }
        return nil
      }
      left -= 1
      return piece
    }
  }
}

/// A buffer in slices.
struct Slices: AsyncSequence, Sendable {
  var whole: ByteBuffer
  var size: Int

  func makeAsyncIterator() -> Iterator { Iterator(rest: whole, size: size) }

  struct Iterator: AsyncIteratorProtocol {
    var rest: ByteBuffer
    let size: Int

    mutating func next() async throws -> ByteBuffer? {
      rest.readableBytes == 0 ? nil : rest.readSlice(length: Swift.min(size, rest.readableBytes))
    }
  }
}
