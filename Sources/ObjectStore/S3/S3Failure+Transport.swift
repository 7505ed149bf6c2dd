internal import AsyncHTTPClient
internal import NIOCore
internal import NIOPosix
internal import NIOSSL

/// No byte moved in an upload for as long as the bound allows.
struct UploadStalled: Error {}

extension S3Failure {
  /// What an error that is no answer means: connections, TLS, cancellation.
  init(transport error: any Error, during request: S3Request, _ configuration: S3Configuration) {
    let words = TransportWords(request: request, configuration: configuration)
    switch error {
    case let known as S3Failure: self = known
    case let known as ObjectStoreError: self = S3Failure(error: known, remedy: .none, mayHaveHappened: true)
    case is CancellationError: self = words.failure(.cancelled, "the task was cancelled", .none)
    case is UploadStalled: self = words.stalled
    case let http as HTTPClientError: self = words.of(http)
    case let tls as NIOSSLError: self = words.of(tls)
    case is NIOSSLExtraError:
      self = words.neverSent(.tlsUntrusted, "the certificate of \(words.endpoint) is for another name; mend one", .none)
    case let connection as NIOConnectionError:
      let cause = connection.connectionErrors.first.map { "\($0.error)" } ?? "the name is not known"
      self = words.unreachable(cause)
    case is SocketAddressError: self = words.unreachable("the name is not known")
    default: self = words.broken("\(error)")
    }
  }
}

/// Says what happened to a connection.
private struct TransportWords {
  let request: S3Request
  let configuration: S3Configuration

  var endpoint: String { configuration.endpoint.description }
  private var advice: String { "check the endpoint, the network and whether the server runs" }

  func failure(_ code: ObjectStoreError.Code, _ message: String, _ remedy: S3Failure.Remedy) -> S3Failure {
    S3Failure(error: error(code, message), remedy: remedy, mayHaveHappened: true)
  }

  func neverSent(_ code: ObjectStoreError.Code, _ message: String, _ remedy: S3Failure.Remedy) -> S3Failure {
    S3Failure(error: error(code, message), remedy: remedy, mayHaveHappened: false)
  }

  private func error(_ code: ObjectStoreError.Code, _ message: String) -> ObjectStoreError {
    ObjectStoreError(code, operation: request.operation, key: request.key, message: message)
  }

  var stalled: S3Failure {
    failure(.timeout, "\(endpoint) stood still for \(configuration.stallTimeout); \(advice)", .wait(atLeast: nil))
  }

  func unreachable(_ cause: String) -> S3Failure {
    neverSent(
      .endpointUnreachable, "no server answers at \(endpoint) (\(cause)); \(advice)", .wait(atLeast: nil))
  }

  func broken(_ cause: String) -> S3Failure {
    failure(
      .endpointUnreachable, "the connection to \(endpoint) broke (\(cause)); \(advice)", .wait(atLeast: nil))
  }

  func of(_ error: HTTPClientError) -> S3Failure {
    switch error {
    case .cancelled: failure(.cancelled, "the task was cancelled", .none)
    case .alreadyShutdown: neverSent(.cancelled, "the store was shut down", .none)
    case .readTimeout, .writeTimeout, .deadlineExceeded: stalled
    case .connectTimeout, .getConnectionFromPoolTimeout:
      unreachable("not within \(configuration.connectTimeout)")
    case .tlsHandshakeTimeout:
      unreachable("the TLS handshake does not end; is it https that the server speaks?")
    case .invalidURL, .emptyHost:
      neverSent(.invalidRequest, "\(endpoint) is not a URL that can be asked; mend the endpoint", .none)
    default: broken("\(error)")
    }
  }

  func of(_ error: NIOSSLError) -> S3Failure {
    switch error {
    case .handshakeFailed(let cause) where "\(cause)".lowercased().contains("certificate"):
      neverSent(
        .tlsUntrusted,
        "the certificate of \(endpoint) is not signed by an authority that is trusted; name the authority's file", .none
      )
    case .handshakeFailed(let cause):
      unreachable("the TLS handshake failed: \(cause); is it https that the server speaks?")
    case .unableToValidateCertificate, .noCertificateToValidate:
      neverSent(.tlsUntrusted, "the certificate of \(endpoint) is not valid for it (\(error)); mend it", .none)
    default: broken("\(error)")
    }
  }
}
