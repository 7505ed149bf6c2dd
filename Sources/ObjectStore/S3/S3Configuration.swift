/// Everything that an `S3Store` must know, but for the credentials.
public struct S3Configuration: Sendable, Hashable {
  /// Where the bucket's name stands in a URL.
  public enum Addressing: String, Sendable, CaseIterable {
    /// `.virtual` where the service is known to want it and the name allows it, `.path` elsewhere.
    case auto
    /// `https://host/bucket/key`.
    case path
    /// `https://bucket.host/key`.
    case virtual
  }

  /// How the server's certificate is judged.
  public enum Trust: Sendable, Hashable {
    /// By the system's certificate authorities.
    case system
    /// By those in a PEM file.
    case authorities(file: String)
    /// Not at all: whoever is in between can read and change everything.
    case anyone
  }

  /// The service.
  public var endpoint: S3Endpoint
  /// The bucket, which must exist.
  public var bucket: String
  /// Where the bucket's name goes; `.auto` by default.
  public var addressing: Addressing
  /// How TLS is verified; `.system` by default.
  public var trust: Trust
  /// Bytes a second that the whole store may send; nil, the default, is no limit.
  public var uploadBytesPerSecond: Int64?
  /// Bytes a second that the whole store may receive; nil, the default, is no limit.
  public var downloadBytesPerSecond: Int64?
  /// How long a connection may take, TLS included; 10 s by default.
  public var connectTimeout: Duration = .seconds(10)
  /// How long no byte may move in a request before it counts as broken; 30 s by default.
  public var stallTimeout: Duration = .seconds(30)
  /// What is tried again, how often, and for how long.
  public var retry = RetryPolicy()
  /// Bytes of a part of a multipart upload, and the size from which a stream becomes one; 16 MiB by default. It grows
  /// for streams that would need more than 10,000 parts. Servers refuse less than 5 MiB.
  public var partSize: Int = 16 << 20
  /// Parts of one upload that are in memory and under way at once; 4 by default. A streamed put therefore holds at most
  /// (`parallelParts` + 1) × `partSize`: 80 MiB.
  public var parallelParts: Int = 4
  /// Connections that are kept to the server; 16 by default. More operations than that wait for one.
  public var maximumConnections: Int = 16

  /// Unfinished uploads that one answer of the server may list.
  package var uploadsAtOnce = 1_000
  /// Addresses of hosts that are not to be looked up.
  package var addresses: [String: String] = [:]
  /// Seconds that the server's clock is taken to be ahead of ours until it complains.
  package var assumedClockOffset: Int64 = 0

  /// A bucket at an endpoint, and otherwise the defaults.
  public init(
    endpoint: S3Endpoint, bucket: String, addressing: Addressing = .auto, trust: Trust = .system,
    uploadBytesPerSecond: Int64? = nil, downloadBytesPerSecond: Int64? = nil
  ) {
    self.endpoint = endpoint
    self.bucket = bucket
    self.addressing = addressing
    self.trust = trust
    self.uploadBytesPerSecond = uploadBytesPerSecond
    self.downloadBytesPerSecond = downloadBytesPerSecond
  }

  /// `.path` or `.virtual`, as decided.
  public var effectiveAddressing: Addressing {
    switch addressing {
    case .path, .virtual: return addressing
    case .auto:
      let wantsVirtual = [".amazonaws.com", ".amazonaws.com.cn", ".backblazeb2.com", ".r2.cloudflarestorage.com"]
        .contains { endpoint.host.hasSuffix($0) }
      // A dot in the name falls out of the wildcard certificate.
      return wantsVirtual && isHostLabel(bucket) ? .virtual : .path
    }
  }

  private func isHostLabel(_ name: String) -> Bool {
    (3...63).contains(name.utf8.count)
      && name.utf8.allSatisfy {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
          || $0 == UInt8(ascii: "-")
      }
  }

  /// The authority and the encoded path of `key`, or of the bucket itself.
  package func location(of key: String?) -> (authority: String, path: String) {
    let encodedKey = key.map { "/" + PercentEncoding.encode($0, slash: .kept) }
    switch effectiveAddressing {
    case .virtual:
      return (endpoint.authority("\(bucket).\(endpoint.host)"), endpoint.basePath + (encodedKey ?? "/"))
    case .path, .auto:
      let bucketPath = "\(endpoint.basePath)/\(PercentEncoding.encode(bucket, slash: .encoded))"
      return (endpoint.authority(endpoint.host), bucketPath + (encodedKey ?? ""))
    }
  }
}
