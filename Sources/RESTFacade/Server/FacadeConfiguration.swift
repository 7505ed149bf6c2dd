public import KubeModel

/// How the facade is reached, and whom it serves.
public struct FacadeConfiguration: Sendable {
  /// The address to listen on.
  public var host: String
  /// The port; 0 takes a free one.
  public var port: Int
  /// The version that answers carry.
  public var version: String
  /// The namespaces that are served; empty: all.
  public var namespaces: Set<String>
  /// The Secret with the digests of service keys; nil: there are no service keys.
  public var serviceKeys: ObjectKey?
  /// Where the certificate and its key lie; nil: no TLS.
  public var tls: TLSFiles?
  /// What a caller may take of the server.
  public var limits: FacadeLimits

  /// A facade on `host:port` for all namespaces, without service keys and TLS.
  public init(host: String, port: Int, version: String) {
    (self.host, self.port, self.version) = (host, port, version)
    namespaces = []
    limits = FacadeLimits()
  }

  /// The namespace of a name where a call says none and the caller has not just one: the only one that is served, or
  /// `default`.
  var defaultNamespace: String { namespaces.count == 1 ? namespaces.first ?? "default" : "default" }

  func serves(_ namespace: String) -> Bool { namespaces.isEmpty || namespaces.contains(namespace) }
}

/// The files of a server's certificate, in PEM. They are read again when they change.
public struct TLSFiles: Sendable, Hashable {
  /// The certificate, and those of its issuers after it.
  public var certificate: String
  /// Its private key.
  public var key: String

  /// These files.
  public init(certificate: String, key: String) { (self.certificate, self.key) = (certificate, key) }
}

/// What a caller may take of the server. Each bound is there so that one caller cannot keep the others out.
public struct FacadeLimits: Sendable {
  /// Calls of one caller; nil: no bound.
  public var rate: RateLimit?
  /// Failed authentications from one address, before it is refused unseen: each may cost the API server a review.
  public var failedAuthentications: RateLimit?
  /// The largest body in bytes, but for an upload.
  public var bodyBytes: Int
  /// The largest upload in bytes.
  public var uploadBytes: Int
  /// How long a body may take to arrive, but for an upload.
  public var bodyTime: Duration
  /// How long a connection may be silent: between calls, within a header, within a body.
  public var silence: Duration
  /// Connections at once; further ones wait to be accepted.
  public var connections: Int

  /// 100 calls a second and 200 at once; 1 MiB, and 64 GiB of an upload; 30 s; 4096 connections.
  public init() {
    rate = RateLimit(perSecond: 100, burst: 200)
    failedAuthentications = RateLimit(perSecond: 2, burst: 40)
    bodyBytes = 1 << 20
    uploadBytes = 64 << 30
    bodyTime = .seconds(30)
    silence = .seconds(30)
    connections = 4096
  }
}
