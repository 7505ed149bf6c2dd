import ObjectStore
import Synchronization
import TestSupport

extension TestS3 {
  /// The owner of the buckets.
  var credentials: S3Credentials { S3Credentials(accessKeyID: keys.accessKey, secretAccessKey: keys.secretKey) }
  /// A user who may touch nothing.
  var strangers: S3Credentials {
    S3Credentials(accessKeyID: otherKeys.accessKey, secretAccessKey: otherKeys.secretKey)
  }

  /// A new bucket of this server, with retries and stalls bounded as tests need it.
  func configuration(endpoint: String? = nil) async throws -> S3Configuration {
    var configuration = S3Configuration(
      endpoint: try S3Endpoint(url: endpoint ?? self.endpoint, region: region), bucket: try await makeBucket("objects"))
    configuration.partSize = 5 << 20
    configuration.stallTimeout = .seconds(5)
    return configuration
  }
}

extension S3Store {
  /// Runs `body` with a store on a new bucket of the shared server, and shuts it down after.
  static func with<R>(
    credentials: (any S3CredentialProvider)? = nil, endpoint: String? = nil,
    _ adjust: (inout S3Configuration) -> Void = { _ in }, _ body: (S3Store) async throws -> R
  ) async throws -> R {
    let server = try await TestServers.s3()
    var configuration = try await server.configuration(endpoint: endpoint)
    adjust(&configuration)
    return try await with(configuration, credentials ?? server.credentials, body)
  }

  /// Runs `body` with a store, and shuts it down after.
  static func with<R>(
    _ configuration: S3Configuration, _ credentials: any S3CredentialProvider, _ body: (S3Store) async throws -> R
  ) async throws -> R {
    let store = try S3Store(configuration: configuration, credentials: credentials)
    do {
      let result = try await body(store)
      await store.shutdown()
      return result
    } catch {
      await store.shutdown()
      throw error
    }
  }
}
