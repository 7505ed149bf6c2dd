import KubeModel
import RESTFacade
import Steps
import TidemarkAPI

/// What the REST API asks of object stores, by the means of steps.
enum StorePlatform {
  static func make() -> FacadePlatform { FacadePlatform(validator: StoreValidator()) }

  /// The part of a step's input that speaks of a store, with the secrets that it names.
  static func access(
    _ spec: BackupDestinationSpec, _ secrets: DestinationSecrets
  ) throws -> (StoreInput, [String: [UInt8]]) {
    let endpoint = try DestinationEndpoint.resolve(spec)
    var files = [
      "access-key-id": Array(secrets.accessKeyID.utf8), "secret-access-key": Array(secrets.secretAccessKey.utf8),
    ]
    files["store-ca.crt"] = secrets.authority
    func path(_ file: String) -> String { "\(StepRequest.secretsFolder)/\(file)" }
    let input = StoreInput(
      endpoint: endpoint.url, region: endpoint.region, bucket: spec.bucket, prefix: spec.prefix,
      addressingStyle: spec.addressingStyle, accessKeyIDFile: path("access-key-id"),
      secretAccessKeyFile: path("secret-access-key"), caFile: secrets.authority == nil ? nil : path("store-ca.crt"),
      insecureSkipVerify: spec.tls?.insecureSkipVerify ?? false,
      uploadBytesPerSecond: spec.limits?.uploadBytesPerSecond?.integer,
      // Nothing here opens a repository.
      passwordFile: path("none"))
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
