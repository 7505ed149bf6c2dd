import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// No answer came from the API server, or not all of it.
public struct KubeTransportFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of failure it was.
  public enum Code: String, Sendable, Hashable {
    /// Nothing listens at the address.
    case connectionRefused = "KubernetesConnectionRefused"
    /// The name does not resolve or the network does not reach it.
    case unreachable = "KubernetesUnreachable"
    /// The server's certificate is not one that we trust, or TLS failed otherwise.
    case tlsUntrusted = "KubernetesTLSUntrusted"
    /// The connection ended before the answer did.
    case connectionClosed = "KubernetesConnectionClosed"
    /// The answer took too long.
    case timeout = "KubernetesTimeout"
    /// The answer is larger than the bound.
    case answerTooLarge = "KubernetesAnswerTooLarge"
    /// The client was shut down.
    case shutDown = "KubernetesClientShutDown"
    /// Something else.
    case other = "KubernetesTransportFailed"
  }

  /// When the failure came, which decides whether sending again is safe.
  public enum Stage: Sendable, Hashable {
    /// The request cannot have reached the server.
    case connecting
    /// The request may have been carried out, though no answer began.
    case awaitingAnswer
    /// The answer had begun.
    case readingAnswer
  }

  /// What kind of failure it was.
  public let code: Code
  /// When it came.
  public let stage: Stage
  /// What was asked for, for example `list backups.tidemark.dev`.
  public let operation: String
  /// The server that was asked, as host and port.
  public let server: String
  /// What the system said.
  public let detail: String

  package init(code: Code, stage: Stage, operation: String, server: String, detail: String) {
    self.code = code
    self.stage = stage
    self.operation = operation
    self.server = server
    self.detail = detail
  }

  public var description: String {
    let what =
      switch code {
      case .connectionRefused:
        "nothing listens at \(server); check the server's address in the kubeconfig, and that the API server runs"
      case .unreachable: "\(server) cannot be reached (\(detail)); check the name and the network"
      case .tlsUntrusted:
        "the TLS handshake with \(server) failed (\(detail)); check certificate-authority and the client certificate "
          + "in the kubeconfig"
      case .connectionClosed: "the connection to \(server) ended before the answer did (\(detail))"
      case .timeout: "\(server) did not answer in time (\(detail))"
      case .answerTooLarge: "the answer of \(server) is larger than allowed (\(detail))"
      case .shutDown: "the client was shut down"
      case .other: "the request to \(server) failed (\(detail))"
      }
    return "'\(operation)': \(what)"
  }
}

extension KubeTransportFailure {
  /// Sorts an error of the HTTP client's into our kinds. Nothing of the request goes into the text.
  init(_ error: any Error, stage: Stage, operation: String, server: String) {
    let (code, isBeforeSending, detail) = Self.classify(error)
    self.init(
      code: code, stage: isBeforeSending ? .connecting : stage, operation: operation, server: server, detail: detail)
  }

  private static func classify(_ error: any Error) -> (Code, isBeforeSending: Bool, detail: String) {
    switch error {
    case let error as HTTPClientError: classify(error)
    case let error as NIOConnectionError: classify(error)
    case let error as IOError: classify(error)
    case is NIOTooManyBytesError: (.answerTooLarge, false, "the bound on the size of one answer was reached")
    case let error as NIOSSLError:
      error == .uncleanShutdown
        ? (.connectionClosed, false, "TLS ended without its closing message") : (.tlsUntrusted, true, "\(error)")
    case let error as NIOSSLExtraError: (.tlsUntrusted, true, "\(error)")
    case let error as BoringSSLError: (.tlsUntrusted, false, "\(error)")
    case let error as ChannelError:
      switch error {
      case .connectTimeout: (.timeout, true, "no connection within the connect timeout")
      case .ioOnClosedChannel, .alreadyClosed, .inputClosed, .outputClosed, .eof: (.connectionClosed, false, "\(error)")
      default: (.other, false, "\(error)")
      }
    case let error as HTTPParserError:
      error == .invalidEOFState
        ? (.connectionClosed, false, "the answer broke off") : (.other, false, "the answer is not HTTP (\(error))")
    default: (.other, false, "\(type(of: error))")
    }
  }

  private static func classify(_ error: HTTPClientError) -> (Code, isBeforeSending: Bool, detail: String) {
    switch error {
    case .remoteConnectionClosed, .uncleanShutdown, .requestStreamCancelled:
      (.connectionClosed, false, error.shortDescription)
    case .connectTimeout, .tlsHandshakeTimeout, .httpProxyHandshakeTimeout, .socksHandshakeTimeout,
      .getConnectionFromPoolTimeout:
      (.timeout, true, error.shortDescription)
    case .readTimeout, .writeTimeout, .deadlineExceeded: (.timeout, false, error.shortDescription)
    case .alreadyShutdown, .cancelled: (.shutDown, false, error.shortDescription)
    case .invalidProxyResponse, .proxyAuthenticationRequired: (.unreachable, true, error.shortDescription)
    default: (.other, false, error.shortDescription)
    }
  }

  private static func classify(_ error: NIOConnectionError) -> (Code, isBeforeSending: Bool, detail: String) {
    for failure in error.connectionErrors {
      guard let cause = failure.error as? IOError else { continue }
      let (code, _, detail) = classify(cause)
      return (code == .connectionRefused ? .connectionRefused : .unreachable, true, detail)
    }
    if error.connectionErrors.contains(where: { ($0.error as? ChannelError).map(isConnectTimeout) ?? false }) {
      return (.timeout, true, "no connection within the connect timeout")
    }
    return (.unreachable, true, "the name \(error.host) does not resolve")
  }

  private static func isConnectTimeout(_ error: ChannelError) -> Bool {
    if case .connectTimeout = error { true } else { false }
  }

  private static func classify(_ error: IOError) -> (Code, isBeforeSending: Bool, detail: String) {
    switch error.errnoCode {
    case ECONNREFUSED: (.connectionRefused, true, "connection refused")
    case EHOSTUNREACH, ENETUNREACH: (.unreachable, true, "no route to the host")
    case ECONNRESET: (.connectionClosed, false, "connection reset by the peer")
    case EPIPE: (.connectionClosed, false, "broken pipe")
    case ETIMEDOUT: (.timeout, false, "the peer stopped answering")
    default: (.other, false, "errno \(error.errnoCode)")
    }
  }
}
