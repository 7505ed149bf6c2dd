public import KubeModel

/// Why a call to the Kubernetes API failed. No case ever holds a credential.
public enum KubeError: Error, Sendable, Hashable {
  /// The server answered and refused.
  case status(KubeStatus)
  /// No answer came, or not all of it.
  case transport(KubeTransportFailure)
  /// An answer came that does not fit its type.
  case decoding(KubeDecodingFailure)
  /// There is no configuration, or it makes no sense.
  case configuration(KubeConfigurationFailure)
  /// The configured credentials could not be obtained.
  case authentication(KubeAuthenticationFailure)
  /// The request makes no sense, and was not sent.
  case invalidRequest(String)

  /// A stable word for conditions, events and metrics.
  public var code: String {
    switch self {
    case .status(let status):
      status.reason.rawValue.isEmpty ? "KubernetesStatus\(status.code)" : "Kubernetes\(status.reason.rawValue)"
    case .transport(let failure): failure.code.rawValue
    case .decoding: "KubernetesAnswerUndecodable"
    case .configuration: "KubernetesConfigurationInvalid"
    case .authentication: "KubernetesCredentialsUnavailable"
    case .invalidRequest: "KubernetesRequestInvalid"
    }
  }

  /// The server's answer, where there was one.
  public var status: KubeStatus? {
    guard case .status(let status) = self else { return nil }
    return status
  }

  /// There is no such object, or no such kind.
  public var isNotFound: Bool { status?.code == 404 }
  /// An object of this name is there already.
  public var isAlreadyExists: Bool { status?.reason == .alreadyExists }
  /// Another writer was faster, a precondition failed, or a field has another manager.
  public var isConflict: Bool { status.map { $0.code == 409 && $0.reason != .alreadyExists } ?? false }
  /// A field that was applied has another manager; the causes say which.
  public var isFieldConflict: Bool {
    isConflict && status?.details?.causes?.contains { $0.reason == "FieldManagerConflict" } == true
  }
  /// The resource version or the continue token is too old: list again.
  public var isGone: Bool { status.map { $0.code == 410 || $0.reason == .gone || $0.reason == .expired } ?? false }
  /// The server asks for fewer requests.
  public var isTooManyRequests: Bool { status?.code == 429 }
  /// Who asks is not known, or not any more.
  public var isUnauthorized: Bool { status?.code == 401 }
  /// Who asks may not do this.
  public var isForbidden: Bool { status?.code == 403 }
  /// The object fails validation, or a `test` of a JSON patch failed.
  public var isInvalid: Bool { status?.code == 422 }
  /// Nothing listens at the server's address.
  public var isConnectionRefused: Bool {
    guard case .transport(let failure) = self else { return false }
    return failure.code == .connectionRefused
  }

  /// How long the server asks to wait before the next try, where it says so.
  public var retryAfter: Duration? { status?.details?.retryAfterSeconds.map { .seconds($0) } }
}

extension KubeError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .status(let status):
      let reason = status.reason.rawValue.isEmpty ? "" : " \(status.reason)"
      return "Kubernetes answered \(status.code)\(reason): \(status.message ?? "no message")"
    case .transport(let failure): return failure.description
    case .decoding(let failure): return failure.description
    case .configuration(let failure): return failure.message
    case .authentication(let failure): return failure.message
    case .invalidRequest(let message): return "the request was not sent: \(message)"
    }
  }
}

/// An answer that does not fit its type.
public struct KubeDecodingFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// What was asked for, for example `get secrets default/x`.
  public let operation: String
  /// What does not fit, without values of the answer.
  public let reason: String

  package init(operation: String, reason: String) {
    self.operation = operation
    self.reason = reason
  }

  public var description: String { "the answer to '\(operation)' cannot be read: \(reason)" }
}

/// There is no configuration, or it makes no sense.
public struct KubeConfigurationFailure: Error, Sendable, Hashable {
  /// What is wrong, in which file, and what to do.
  public let message: String

  package init(_ message: String) { self.message = message }
}

/// The configured credentials could not be obtained.
public struct KubeAuthenticationFailure: Error, Sendable, Hashable {
  /// What was tried, what came of it, and what to do.
  public let message: String

  package init(_ message: String) { self.message = message }
}
