import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// The two pools of connections to one server: one for requests, one for watches, so that watches that stay open take
/// no request's place.
struct Connections: Sendable {
  private let requests: HTTPClient
  private let watches: HTTPClient
  private let trust: KubeConfiguration.Trust
  private let baseURL: String
  private let hostHeader: String
  /// Host and port as errors and metrics name them.
  let authority: String

  init(_ configuration: KubeConfiguration, _ settings: KubeClientSettings) throws(KubeConfigurationFailure) {
    let server = configuration.server
    authority = server.authority
    trust = configuration.trust
    hostHeader = server.authority
    // The name that TLS asks for stands in the URL; the pool is told to connect elsewhere.
    var named = server
    if let name = configuration.tlsServerName { named.host = name }
    baseURL = "\(server.scheme)://\(named.authority)\(server.basePath)"

    var shared = HTTPClient.Configuration(redirectConfiguration: .disallow)
    shared.tlsConfiguration = try Self.tls(
      trust: configuration.trust, certificate: configuration.clientCertificate, source: configuration.source)
    if let name = configuration.tlsServerName { shared.dnsOverride = [name: server.host] }
    shared.proxy = configuration.proxy.map {
      switch $0 {
      case .http(let host, let port): .server(host: host, port: port)
      case .socks(let host, let port): .socksServer(host: host, port: port)
      }
    }
    shared.httpVersion = .http1Only
    shared.timeout.connect = TimeAmount(settings.connectTimeout)
    shared.connectionPool.retryConnectionEstablishment = false
    shared.connectionPool.idleTimeout = .seconds(30)
    shared.http1_1ConnectionDebugInitializer = { channel in Self.keepAlive(channel) }

    var requests = shared
    requests.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = settings.connectionLimit
    self.requests = HTTPClient(eventLoopGroupProvider: .singleton, configuration: requests)
    var watches = shared
    watches.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = settings.watchLimit
    watches.timeout.read = TimeAmount(settings.watchIdleTimeout)
    self.watches = HTTPClient(eventLoopGroupProvider: .singleton, configuration: watches)
  }

  /// Closes all connections; what is under way fails.
  func shutdown() async throws {
    try await requests.shutdown()
    try await watches.shutdown()
  }

  /// Which pool a request goes to.
  enum Pool: Sendable {
    case requests
    case watches
  }

  /// Sends a request; returns when the head of the answer is there.
  func send(
    _ request: APIRequest, credential: Credential, userAgent: String, on pool: Pool
  ) async throws -> HTTPClientResponse {
    var http = HTTPClientRequest(url: baseURL + request.target)
    http.method = HTTPMethod(rawValue: request.method.rawValue)
    http.headers.add(name: "Host", value: hostHeader)
    http.headers.add(name: "User-Agent", value: userAgent)
    http.headers.add(name: "Accept", value: "application/json")
    if let authorization = credential.authorization { http.headers.add(name: "Authorization", value: authorization) }
    if let certificate = credential.clientCertificate {
      http.tlsConfiguration = try Self.tls(trust: trust, certificate: certificate, source: "the exec plugin's answer")
    }
    if let body = request.body {
      http.headers.add(name: "Content-Type", value: body.type.rawValue)
      http.body = .bytes(body.bytes)
    }
    let client = pool == .requests ? requests : watches
    return try await client.execute(http, timeout: TimeAmount(request.timeout))
  }

  private static func tls(
    trust: KubeConfiguration.Trust, certificate: KubeConfiguration.ClientCertificate?, source: String
  ) throws(KubeConfigurationFailure) -> TLSConfiguration {
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.minimumTLSVersion = .tlsv12
    switch trust {
    case .system: break
    case .anyCertificate: tls.certificateVerification = .none
    case .authorities(let pem):
      guard let authorities = try? NIOSSLCertificate.fromPEMBytes(pem), !authorities.isEmpty else {
        throw KubeConfigurationFailure("\(source): certificate-authority holds no certificate in PEM; check it")
      }
      tls.trustRoots = .certificates(authorities)
    }
    guard let certificate else { return tls }
    guard let chain = try? NIOSSLCertificate.fromPEMBytes(certificate.certificate), !chain.isEmpty else {
      throw KubeConfigurationFailure("\(source): client-certificate holds no certificate in PEM; check it")
    }
    guard let key = try? NIOSSLPrivateKey(bytes: certificate.key, format: .pem) else {
      throw KubeConfigurationFailure("\(source): client-key holds no unencrypted private key in PEM; check it")
    }
    tls.certificateChain = chain.map { .certificate($0) }
    tls.privateKey = .privateKey(key)
    return tls
  }

  /// Has the kernel find out within a minute that the other side is gone: a watch may be silent for long.
  private static func keepAlive(_ channel: any Channel) -> EventLoopFuture<Void> {
    guard channel is any SocketOptionProvider else { return channel.eventLoop.makeSucceededVoidFuture() }
    return channel.setOption(.socketOption(.so_keepalive), value: 1)
      .flatMap { channel.setOption(.tcpOption(.init(rawValue: CInt(TCP_KEEPIDLE))), value: 30) }
      .flatMap { channel.setOption(.tcpOption(.init(rawValue: CInt(TCP_KEEPINTVL))), value: 10) }
      .flatMap { channel.setOption(.tcpOption(.init(rawValue: CInt(TCP_KEEPCNT))), value: 3) }
      .flatMapError { _ in channel.eventLoop.makeSucceededVoidFuture() }
  }
}

extension TimeAmount {
  init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self = .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
  }
}
