import ObjectStore
public import TidemarkAPI

/// A destination's endpoint, as resolved from its provider.
public struct DestinationEndpoint: Sendable, Equatable {
  /// The URL.
  public let url: String
  /// The region that requests are signed for.
  public let region: String

  /// Resolves the endpoint; throws a ``StepError`` (`invalidInput`) where the provider lacks what it needs.
  public static func resolve(_ spec: BackupDestinationSpec) throws -> DestinationEndpoint {
    do {
      let endpoint = try S3Endpoint.resolve(
        provider: S3Endpoint.Provider(rawValue: spec.provider.rawValue) ?? .custom, region: spec.region,
        endpoint: spec.endpoint, accountID: spec.accountId, jurisdiction: spec.jurisdiction)
      return DestinationEndpoint(url: endpoint.description, region: endpoint.region)
    } catch let error as ObjectStoreError {
      throw StepError(code: .invalidInput, message: error.message)
    }
  }
}
