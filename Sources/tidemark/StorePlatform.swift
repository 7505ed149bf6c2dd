import KubeModel
import NIOCore
import ObjectStore
import RESTFacade
import Repository
import Steps
import TidemarkAPI

/// What the REST API asks of object stores, by the means of steps.
enum StorePlatform {
  static func make() -> FacadePlatform { FacadePlatform(validator: StoreValidator(), uploads: StoreUploads()) }

  /// The part of a step's input that speaks of a store, with the secrets that it names.
  static func access(
    _ spec: BackupDestinationSpec, _ secrets: DestinationSecrets
  ) throws -> (StoreInput, [String: [UInt8]]) {
    let endpoint = try DestinationEndpoint.resolve(spec)
    var files = [
      "access-key-id": Array(secrets.accessKeyID.utf8), "secret-access-key": Array(secrets.secretAccessKey.utf8),
    ]
    files["store-ca.crt"] = secrets.authority
    files["repository-password"] = secrets.repositoryPassword
    func path(_ file: String) -> String { "\(StepRequest.secretsFolder)/\(file)" }
    let input = StoreInput(
      endpoint: endpoint.url, region: endpoint.region, bucket: spec.bucket, prefix: spec.prefix,
      addressingStyle: spec.addressingStyle, accessKeyIDFile: path("access-key-id"),
      secretAccessKeyFile: path("secret-access-key"), caFile: secrets.authority == nil ? nil : path("store-ca.crt"),
      insecureSkipVerify: spec.tls?.insecureSkipVerify ?? false,
      uploadBytesPerSecond: spec.limits?.uploadBytesPerSecond?.integer,
      passwordFile: path("repository-password"))
    return (input, files)
  }
}

/// Tries a destination as the controller does.
struct StoreValidator: DestinationValidator {
  func validate(
    _ spec: BackupDestinationSpec, _ secrets: DestinationSecrets
  ) async throws -> DestinationVerdict {
    do {
      let (input, files) = try StorePlatform.access(spec, secrets)
      return .valid(milliseconds: try await DestinationProbe(store: input, secrets: files).run())
    } catch let failure as FailedProbe {
      return .invalid(reason: failure.reason, message: failure.message)
    } catch let failure as StepError {
      return .invalid(reason: Reason.invalidSpec, message: failure.message)
    }
  }
}

/// Stages dumps where an import finds them.
struct StoreUploads: DumpUploads {
  func stage(
    _ body: some AsyncSequence<ByteBuffer, any Error> & Sendable, for database: ObjectKey, id: String, limit: Int,
    in spec: BackupDestinationSpec, _ secrets: DestinationSecrets
  ) async throws -> String {
    do {
      return try await staging(spec, secrets).put(body, for: Self.place(database), id: id, limit: Int64(limit)).key
    } catch let error as StagingError {
      switch error {
      case .tooLarge: throw DumpUploadError.tooLarge(limit: limit)
      case .empty: throw DumpUploadError.empty
      }
    } catch let error as ObjectStoreError {
      throw DumpUploadError.store(reason: error.code.rawValue, message: error.message)
    } catch let error as StepError {
      throw DumpUploadError.store(reason: error.code.rawValue, message: error.message)
    } catch let error as RepositoryError {
      throw DumpUploadError.store(reason: error.code.rawValue, message: error.message)
    }
  }

  func discard(
    _ key: String, of database: ObjectKey, in spec: BackupDestinationSpec, _ secrets: DestinationSecrets
  ) async throws {
    try await staging(spec, secrets).remove(key, of: Self.place(database))
  }

  private func staging(_ spec: BackupDestinationSpec, _ secrets: DestinationSecrets) throws -> DumpStaging {
    let (input, files) = try StorePlatform.access(spec, secrets)
    return DumpStaging(store: input, secrets: files)
  }

  private static func place(_ database: ObjectKey) -> DatabasePlace {
    DatabasePlace(namespace: database.namespace ?? "", name: database.name)
  }
}
