import HTTPTypes
import Hummingbird
import KubeClient
import KubeModel
import TidemarkAPI

/// Why a call is not answered with what was asked for: what the caller reads of it.
struct FacadeError: Error, Equatable {
  /// The contract's words; each has one status.
  enum Code: String, CaseIterable {
    case badRequest = "BAD_REQUEST"
    case unauthorized = "UNAUTHORIZED"
    case forbidden = "FORBIDDEN"
    case notFound = "NOT_FOUND"
    case methodNotAllowed = "METHOD_NOT_ALLOWED"
    case conflict = "CONFLICT"
    case payloadTooLarge = "PAYLOAD_TOO_LARGE"
    case tooManyRequests = "TOO_MANY_REQUESTS"
    case internalError = "INTERNAL_ERROR"
    case serviceUnavailable = "SERVICE_UNAVAILABLE"

    var status: HTTPResponse.Status {
      switch self {
      case .badRequest: .badRequest
      case .unauthorized: .unauthorized
      case .forbidden: .forbidden
      case .notFound: .notFound
      case .methodNotAllowed: .methodNotAllowed
      case .conflict: .conflict
      case .payloadTooLarge: .contentTooLarge
      case .tooManyRequests: .tooManyRequests
      case .internalError: .internalServerError
      case .serviceUnavailable: .serviceUnavailable
      }
    }
  }

  let code: Code
  /// What was wrong and what would be right. No internals, no secrets.
  let message: String
  /// What is wrong with which field of the body or the query.
  var fields: [String: String] = [:]
  /// Seconds after which the same call may succeed.
  var retryAfter: Int?
  /// The methods that the path knows, for 405.
  var allow: String?

  init(_ code: Code, _ message: String, fields: [String: String] = [:], retryAfter: Int? = nil, allow: String? = nil) {
    (self.code, self.message, self.fields) = (code, message, fields)
    (self.retryAfter, self.allow) = (retryAfter, allow)
  }

  /// A 400 about one field.
  static func field(_ name: String, _ message: String) -> FacadeError {
    FacadeError(.badRequest, "\(name): \(message)", fields: [name: message])
  }

  /// A 400 about all that a spec's own rules refuse, with the API's names for the fields.
  static func problems(_ problems: [SpecProblem], names: [String: String] = [:]) -> FacadeError {
    let fields = Dictionary(
      problems.map { (names[$0.field] ?? $0.field, $0.message) }, uniquingKeysWith: { first, _ in first })
    return FacadeError(.badRequest, fields.summary, fields: fields)
  }

  /// The answer, in the contract's form.
  var answer: Answer {
    var text = JSONText()
    text.object { text in
      text.field("success", false)
      text.field("error") { text in
        text.object { text in
          text.field("code", code)
          text.field("message", message)
          if !fields.isEmpty { text.field("fields", texts: fields) }
        }
      }
    }
    var answer = Answer(code.status, body: text.buffer)
    if let retryAfter { answer.headers[.retryAfter] = "\(retryAfter)" }
    if let allow { answer.headers[.allow] = allow }
    if code == .unauthorized { answer.headers[.wwwAuthenticate] = "Bearer realm=\"tidemark\"" }
    return answer
  }
}

extension [String: String] {
  /// All that is wrong, as one sentence.
  var summary: String { sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: "; ") }
}

extension FacadeError {
  /// What an API server's refusal means for the caller of the facade. What only an operator can mend says so, and its
  /// details go to the log.
  init(_ error: KubeError) {
    switch error {
    case .status(let status): self.init(status, error)
    case .transport:
      self.init(.serviceUnavailable, "the Kubernetes API is out of reach; try again", retryAfter: 2)
    case .authentication, .configuration:
      self.init(
        .serviceUnavailable, "the facade has no access to the Kubernetes API; ask its operator", retryAfter: 30)
    case .decoding, .invalidRequest:
      self.init(.internalError, "the facade failed; its log has more under this x-request-id")
    }
  }

  private init(_ status: KubeStatus, _ error: KubeError) {
    if error.isTooManyRequests || status.code >= 500 {
      self.init(
        .serviceUnavailable, "the Kubernetes API cannot answer now; try again",
        retryAfter: status.details?.retryAfterSeconds ?? 2)
    } else if error.isNotFound {
      self.init(.notFound, "it, or its namespace, is not there (any more)")
    } else if error.isAlreadyExists {
      self.init(.conflict, "something of that name exists; choose another name")
    } else if error.isConflict {
      self.init(.conflict, "it was changed by somebody else meanwhile; read it again, then repeat the change")
    } else if error.isInvalid {
      self.init(.badRequest, "the Kubernetes API refuses it: \(status.message ?? "it is invalid")")
    } else if error.isForbidden {
      self.init(
        .forbidden,
        "the cluster refuses it to the facade, by an admission rule, a quota or missing rights; its log has more")
    } else if error.isUnauthorized {
      self.init(.serviceUnavailable, "the facade's own access has expired; ask its operator", retryAfter: 30)
    } else {
      self.init(.internalError, "the facade failed; its log has more under this x-request-id")
    }
  }
}
