import KubeModel

/// What a request carries to say who asks.
struct Credential: Sendable {
  /// The value of the Authorization header.
  var authorization: String?
  /// A client certificate that takes the place of the configured one.
  var clientCertificate: KubeConfiguration.ClientCertificate?
  /// From when on it is not valid any more; nil where that is not known.
  var expiration: MicroTime?
  /// Tells one credential from the next of the same source.
  var generation = 0
}
