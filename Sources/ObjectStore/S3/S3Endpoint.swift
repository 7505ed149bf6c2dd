/// Where an S3-compatible service answers: scheme, host, port, a path before the bucket, and the region to sign for.
public struct S3Endpoint: Sendable, Hashable, CustomStringConvertible {
  /// How bytes travel.
  public enum Scheme: String, Sendable { case http, https }

  /// Whether TLS is spoken.
  public let scheme: Scheme
  /// Name or address; an IPv6 address without brackets.
  public let host: String
  /// Nil: the scheme's own.
  public let port: Int?
  /// What stands before the bucket or key; empty, or beginning with a slash and not ending in one.
  public let basePath: String
  /// The region that requests are signed for.
  public let region: String

  /// Who runs the service.
  public enum Provider: String, Sendable, CaseIterable {
    /// Amazon S3.
    case s3
    /// Cloudflare R2.
    case r2
    /// Backblaze B2.
    case backblaze
    /// MinIO; needs an endpoint.
    case minio
    /// Any other; needs an endpoint.
    case custom
  }

  /// Reads a URL such as `https://minio.example:9000/s3`.
  public init(url: String, region: String) throws {
    func refuse(_ why: String) -> ObjectStoreError {
      ObjectStoreError(
        .invalidRequest, operation: "endpoint",
        message: "the endpoint '\(url)' \(why); expected something like https://s3.example.org:9000")
    }
    guard let separator = url.range(of: "://") else { throw refuse("has no scheme") }
    guard let scheme = Scheme(rawValue: url[..<separator.lowerBound].lowercased()) else {
      throw refuse("has a scheme other than http and https")
    }
    let rest = url[separator.upperBound...]
    guard !rest.contains(where: { "?#@ ".contains($0) || !$0.isASCII }) else {
      throw refuse("holds a user, a query, a fragment or a space")
    }
    let authority = rest.prefix { $0 != "/" }
    let (host, port) = try Self.hostAndPort(authority, refuse)
    self.scheme = scheme
    self.host = host.lowercased()
    self.port = port == (scheme == .http ? 80 : 443) ? nil : port
    self.basePath = rest.dropFirst(authority.count).split(separator: "/").map { "/" + $0 }.joined()
    self.region = region
  }

  private static func hostAndPort(
    _ authority: Substring, _ refuse: (String) -> ObjectStoreError
  ) throws -> (String, Int?) {
    var host = authority
    var port: Int?
    let bracketed = authority.hasPrefix("[")
    if let colon = authority.lastIndex(of: ":"), !bracketed || authority[..<colon].hasSuffix("]") {
      guard let number = Int(authority[authority.index(after: colon)...]), (1...65_535).contains(number) else {
        throw refuse("has a port that is none")
      }
      host = authority[..<colon]
      port = number
    }
    if bracketed {
      guard host.hasSuffix("]") else { throw refuse("has a bracket that does not close") }
      host = host.dropFirst().dropLast()
    }
    if host.isEmpty { throw refuse("has no host") }
    return (String(host), port)
  }

  /// The endpoint of a provider, as the fields of a BackupDestination name it.
  public static func resolve(
    provider: Provider, region: String? = nil, endpoint: String? = nil, accountID: String? = nil,
    jurisdiction: String? = nil
  ) throws -> S3Endpoint {
    func required(_ value: String?, _ field: String) throws -> String {
      if let value, !value.isEmpty { return value }
      throw ObjectStoreError(
        .invalidRequest, operation: "endpoint",
        message: "the provider \(provider.rawValue) needs '\(field)', which is missing; set it")
    }
    if let endpoint, !endpoint.isEmpty {
      return try S3Endpoint(url: endpoint, region: region ?? (provider == .r2 ? "auto" : "us-east-1"))
    }
    switch provider {
    case .s3:
      let region = try required(region, "region")
      let suffix = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
      return try S3Endpoint(url: "https://s3.\(region).\(suffix)", region: region)
    case .r2:
      let account = try required(accountID, "accountId")
      let jurisdiction = jurisdiction.flatMap { $0.isEmpty ? nil : ".\($0)" } ?? ""
      return try S3Endpoint(url: "https://\(account)\(jurisdiction).r2.cloudflarestorage.com", region: region ?? "auto")
    case .backblaze:
      let region = try required(region, "region")
      return try S3Endpoint(url: "https://s3.\(region).backblazeb2.com", region: region)
    case .minio, .custom:
      return try S3Endpoint(url: try required(endpoint, "endpoint"), region: region ?? "us-east-1")
    }
  }

  /// The URL without a slash at its end.
  public var description: String { "\(scheme.rawValue)://\(authority(host))\(basePath)" }

  /// Host and port as the `Host` header has them, with `host` in place of our own.
  func authority(_ host: String) -> String {
    let bracketed = host.contains(":") ? "[\(host)]" : host
    return port.map { "\(bracketed):\($0)" } ?? bracketed
  }
}

extension String {
  fileprivate func range(of text: String) -> Range<Index>? {
    ranges(of: text).first
  }
}
