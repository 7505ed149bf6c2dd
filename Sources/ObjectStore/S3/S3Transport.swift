internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import Synchronization

/// Signs requests, sends them over a pool of connections, and tries again what may succeed later.
///
/// Bodies are always signed with their SHA-256, over https too: the server then refuses bytes that are not those that we
/// meant to send. At 1.8 GB/s the digest costs little beside the transfer, and callers who have it can pass it in.
final class S3Transport: Sendable {
  let configuration: S3Configuration
  private let client: HTTPClient
  private let credentials: any S3CredentialProvider
  private let signature: SignatureV4
  let uploadLimit: BandwidthLimit?
  let downloadLimit: BandwidthLimit?
  /// Seconds that the server's clock is ahead of ours.
  private let clockOffset: Atomic<Int64>
  /// Whether the bucket has ever answered: then a 404 is about the key.
  private let bucketSeen = Atomic<Bool>(false)

  private static let emptyDigest = ContentSHA256(of: ByteBuffer())
  /// Longest answer that is not an object: a page of 1,000 keys of 1,024 bytes, each byte encoded, is 3 MiB.
  private static let longestDocument = 16 << 20

  init(_ configuration: S3Configuration, credentials: any S3CredentialProvider) throws {
    self.configuration = configuration
    self.credentials = credentials
    clockOffset = Atomic(configuration.assumedClockOffset)
    signature = SignatureV4(region: configuration.endpoint.region)
    uploadLimit = BandwidthLimit(bytesPerSecond: configuration.uploadBytesPerSecond)
    downloadLimit = BandwidthLimit(bytesPerSecond: configuration.downloadBytesPerSecond)
    var http = HTTPClient.Configuration(
      tlsConfiguration: try configuration.tls(), redirectConfiguration: .disallow,
      timeout: .init(
        connect: TimeAmount(configuration.connectTimeout), read: TimeAmount(configuration.stallTimeout)))
    http.httpVersion = .http1Only
    http.connectionPool.idleTimeout = .seconds(20)
    http.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = configuration.maximumConnections
    http.dnsOverride = configuration.addresses
    // We try again ourselves, with jitter and a bound.
    http.connectionPool.retryConnectionEstablishment = false
    client = HTTPClient(eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), configuration: http)
  }

  func shutdown() async throws { try await client.shutdown() }

  /// How often a request was sent before it succeeded, and whether one that failed may have worked all the same.
  struct Course {
    var retries: RetryCourse
    var mayHaveHappened = false
    /// That an attempt stalled. The next one may be given the connection that is just being closed for that.
    var stall: ObjectStoreError?
    private var triedClock = false
    private var triedCredentials = false

    private var corruptions = 0

    init(_ policy: RetryPolicy) { retries = RetryCourse(policy) }

    mutating func takeCorruption() -> Int {
      corruptions += 1
      return corruptions
    }

    mutating func takeClock() -> Bool {
      defer { triedClock = true }
      return !triedClock
    }

    mutating func takeCredentials() -> Bool {
      defer { triedCredentials = true }
      return !triedCredentials
    }
  }

  /// Sends `request` until it succeeds; `receive` takes the answer, and what it throws counts as a failed attempt too.
  func send<R: Sendable>(
    _ request: S3Request, course: inout Course, _ receive: (HTTPClientResponse) async throws -> R
  ) async throws -> R {
    var credentials = try await credentials.credentials()
    while true {
      let failure: S3Failure
      do {
        let response = try await attempt(request, credentials)
        return try await receive(response)
      } catch {
        failure = S3Failure(transport: error, during: request, configuration)
      }
      if Task.isCancelled {
        throw ObjectStoreError(
          .cancelled, operation: request.operation, key: request.key, message: "the task was cancelled")
      }
      try await recover(from: failure, &course, &credentials)
    }
  }

  /// As above, for an operation that is one request.
  func send<R: Sendable>(_ request: S3Request, _ receive: (HTTPClientResponse) async throws -> R) async throws -> R {
    var course = Course(configuration.retry)
    return try await send(request, course: &course, receive)
  }

  /// Sends `request` and reads its whole answer.
  func document(_ request: S3Request, course: inout Course) async throws -> (headers: HTTPHeaders, body: ByteBuffer) {
    try await send(request, course: &course) { response in
      (response.headers, try await response.body.collect(upTo: Self.longestDocument))
    }
  }

  /// As above, for an operation that is one request.
  func document(_ request: S3Request) async throws -> (headers: HTTPHeaders, body: ByteBuffer) {
    var course = Course(configuration.retry)
    return try await document(request, course: &course)
  }

  /// Waits, or changes what was wrong; throws when neither helps any more.
  private func recover(from failure: S3Failure, _ course: inout Course, _ credentials: inout S3Credentials) async throws
  {
    course.mayHaveHappened = course.mayHaveHappened || failure.mayHaveHappened
    switch failure.remedy {
    case .none: throw failure.error
    case .clock(let serverTime):
      guard course.takeClock() else { throw failure.error }
      clockOffset.store(serverTime.seconds - UnixTime.now.seconds, ordering: .relaxed)
    case .credentials:
      guard course.takeCredentials() else { throw failure.error }
      let newer = try await self.credentials.credentials(replacing: credentials)
      guard newer != credentials else { throw failure.error }
      credentials = newer
    case .wait: try await wait(after: failure, &course)
    }
  }

  /// Waits before a broken download is taken up again; throws when waiting does not help any more.
  func wait(after failure: S3Failure, _ course: inout Course) async throws {
    guard case .wait(let minimum) = failure.remedy else { throw failure.error }
    // Bytes that arrive wrong every time were wrong before they left.
    if failure.error.code == .corrupted, course.takeCorruption() >= 3 { throw failure.error }
    if failure.error.code == .timeout { course.stall = failure.error }
    let decision = course.retries.failed(at: .now, minimum: minimum, dice: Double.random(in: 0...1))
    guard case .retry(let wait) = decision else {
      throw failure.error.code == .endpointUnreachable ? course.stall ?? failure.error : failure.error
    }
    try await Task.sleep(for: wait)
  }

  /// One request and the head of its answer, which is a success.
  private func attempt(_ request: S3Request, _ credentials: S3Credentials) async throws -> HTTPClientResponse {
    let http = signed(request, credentials)
    let response = try await exchange(http, body: request.body)
    let status = Int(response.status.code)
    if (200..<300).contains(status) {
      bucketSeen.store(true, ordering: .relaxed)
      return response
    }
    let body = request.method == .HEAD ? ByteBuffer() : try await response.body.collect(upTo: Self.longestDocument)
    if request.method == .HEAD, status != 404 || !bucketSeen.load(ordering: .relaxed) {
      return try await explained(request, credentials)
    }
    throw refusal(status, response.headers, body, request)
  }

  private func refusal(_ status: Int, _ headers: HTTPHeaders, _ body: ByteBuffer, _ request: S3Request) -> S3Failure {
    let failure = S3Failure(answer: status, headers: headers, body: body, to: request, bucket: configuration.bucket)
    if failure.error.code == .notFound { bucketSeen.store(true, ordering: .relaxed) }
    return failure
  }

  /// Answers to HEAD have no body that says what was wrong: asks again with GET, which does. Always throws, unless the
  /// object came into being meanwhile.
  private func explained(_ request: S3Request, _ credentials: S3Credentials) async throws -> HTTPClientResponse {
    var asking = S3Request(
      request.operation, .GET, key: request.key, query: request.query,
      headers: request.headers + [("range", "bytes=0-0")])
    asking.sha256 = Self.emptyDigest
    let answer = try await exchange(signed(asking, credentials), body: ByteBuffer())
    let status = Int(answer.status.code)
    let body = try await answer.body.collect(upTo: Self.longestDocument)
    if (200..<300).contains(status) || status == 416 {
      throw S3Failure(
        error: ObjectStoreError(
          .server, operation: request.operation, key: request.key,
          message: "the server answers HEAD and GET differently, several times"),
        remedy: .wait(atLeast: nil), mayHaveHappened: false)
    }
    throw refusal(status, answer.headers, body, asking)
  }

  private func exchange(_ http: HTTPClientRequest, body: ByteBuffer) async throws -> HTTPClientResponse {
    var http = http
    if body.readableBytes <= UploadBody.pieceSize && uploadLimit == nil {
      if body.readableBytes > 0 { http.body = .bytes(body) }
      return try await client.execute(http, deadline: .distantFuture)
    }
    let progress = UploadProgress()
    http.body = .stream(
      UploadBody(body: body, limit: uploadLimit, progress: progress), length: .known(Int64(body.readableBytes)))
    let bound = configuration.stallTimeout
    do {
      return try await withThrowingTaskGroup(of: HTTPClientResponse.self) { [http, client] group in
        group.addTask { try await client.execute(http, deadline: .distantFuture) }
        group.addTask { try await progress.watch(bound) }
        defer { group.cancelAll() }
        guard let response = try await group.next() else { throw CancellationError() }
        return response
      }
    } catch {
      guard !Task.isCancelled, progress.stoodStill(for: bound) else { throw error }
      throw UploadStalled()
    }
  }

  private func signed(_ request: S3Request, _ credentials: S3Credentials) -> HTTPClientRequest {
    let now = UnixTime.now
    let date = UnixTime(seconds: now.seconds + clockOffset.load(ordering: .relaxed)).compact
    let location = configuration.location(of: request.key)
    let payload = (request.sha256 ?? Self.emptyDigest).description
    var signing = SignatureV4.Request(
      method: request.method.rawValue, path: location.path, query: request.query,
      headers: request.headers + [
        ("host", location.authority), ("x-amz-content-sha256", payload), ("x-amz-date", date),
      ], payload: payload)
    if let token = credentials.sessionToken { signing.headers.append(("x-amz-security-token", token)) }
    let query = SignatureV4.encodedQuery(request.query)
    let scheme = configuration.endpoint.scheme.rawValue
    var http = HTTPClientRequest(
      url: "\(scheme)://\(location.authority)\(location.path)\(query.isEmpty ? "" : "?\(query)")")
    http.method = request.method
    http.headers = HTTPHeaders(signing.headers.map { ($0.name, $0.value) })
    http.headers.add(name: "authorization", value: signature.authorization(signing, credentials, date: date))
    return http
  }
}

extension TimeAmount {
  fileprivate init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self = .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
  }
}

extension S3Configuration {
  fileprivate func tls() throws -> TLSConfiguration {
    var tls = TLSConfiguration.makeClientConfiguration()
    switch trust {
    case .system: break
    case .authorities(let file):
      do {
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(file))
      } catch {
        throw ObjectStoreError(
          .tlsUntrusted, operation: "connect",
          message: "the file of authorities '\(file)' cannot be read as PEM certificates; mend it")
      }
    case .anyone: tls.certificateVerification = .none
    }
    return tls
  }
}
