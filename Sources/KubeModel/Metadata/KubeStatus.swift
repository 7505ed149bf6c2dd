/// The server's answer to a request that it did not fulfil (kind `Status` of the core group).
///
/// Source: Kubernetes' `apimachinery/pkg/apis/meta/v1/types.go`.
public struct KubeStatus: Codable, Hashable, Sendable {
  /// Why the server refused, as a word for programs.
  public struct Reason: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    /// The word as the server writes it.
    public let rawValue: String
    /// The reason with this word.
    public init(rawValue: String) { self.rawValue = rawValue }
    public var description: String { rawValue }

    /// 400: the request makes no sense to the server.
    public static let badRequest = Reason(rawValue: "BadRequest")
    /// 401: who asks is not known, or not any more.
    public static let unauthorized = Reason(rawValue: "Unauthorized")
    /// 403: who asks may not do this.
    public static let forbidden = Reason(rawValue: "Forbidden")
    /// 404: there is no such object or kind.
    public static let notFound = Reason(rawValue: "NotFound")
    /// 409: an object of this name is there already.
    public static let alreadyExists = Reason(rawValue: "AlreadyExists")
    /// 409: another writer was faster, or a field has another manager.
    public static let conflict = Reason(rawValue: "Conflict")
    /// 410: what was asked for is gone for good.
    public static let gone = Reason(rawValue: "Gone")
    /// 410: the resource version or the continue token is too old.
    public static let expired = Reason(rawValue: "Expired")
    /// 422: the object fails validation; the causes say where.
    public static let invalid = Reason(rawValue: "Invalid")
    /// 429: ask again later.
    public static let tooManyRequests = Reason(rawValue: "TooManyRequests")
    /// 500: the server failed.
    public static let internalError = Reason(rawValue: "InternalError")
    /// 500 with a wait: the server could not do it in time.
    public static let serverTimeout = Reason(rawValue: "ServerTimeout")
    /// 504: the request took too long.
    public static let timeout = Reason(rawValue: "Timeout")
    /// 503: the server is not there for now.
    public static let serviceUnavailable = Reason(rawValue: "ServiceUnavailable")
    /// The server gave no reason.
    public static let unknown = Reason(rawValue: "")

    /// The reason that the API server gives with an HTTP status, for answers that came from something before it.
    public static func forCode(_ code: Int) -> Reason {
      switch code {
      case 400: .badRequest
      case 401: .unauthorized
      case 403: .forbidden
      case 404: .notFound
      case 409: .conflict
      case 410: .gone
      case 422: .invalid
      case 429: .tooManyRequests
      case 503: .serviceUnavailable
      case 504: .timeout
      case 500...: .internalError
      default: .unknown
      }
    }
  }

  /// One of several causes, for example one field that fails validation.
  public struct Cause: Codable, Hashable, Sendable {
    /// Why, as a word for programs.
    public var reason: String?
    /// Why, for people.
    public var message: String?
    /// The field, for example `spec.bucket`.
    public var field: String?

    /// A cause of a refusal.
    public init(reason: String? = nil, message: String? = nil, field: String? = nil) {
      self.reason = reason
      self.message = message
      self.field = field
    }
  }

  /// What the refusal was about.
  public struct Details: Codable, Hashable, Sendable {
    /// The object's name.
    public var name: String?
    /// The object's group.
    public var group: String?
    /// The object's kind, or its plural.
    public var kind: String?
    /// The object's uid.
    public var uid: String?
    /// The causes, one for each thing wrong.
    public var causes: [Cause]?
    /// After how many seconds to ask again.
    public var retryAfterSeconds: Int?

    /// Details of a refusal.
    public init(
      name: String? = nil, group: String? = nil, kind: String? = nil, uid: String? = nil, causes: [Cause]? = nil,
      retryAfterSeconds: Int? = nil
    ) {
      self.name = name
      self.group = group
      self.kind = kind
      self.uid = uid
      self.causes = causes
      self.retryAfterSeconds = retryAfterSeconds
    }
  }

  /// `Success` or `Failure`.
  public var status: String?
  /// What happened, for people.
  public var message: String?
  /// Why, as a word for programs.
  public var reason: Reason
  /// What it was about.
  public var details: Details?
  /// The HTTP status.
  public var code: Int

  /// An answer of the server's.
  public init(code: Int, reason: Reason, message: String? = nil, details: Details? = nil, status: String? = "Failure") {
    self.code = code
    self.reason = reason
    self.message = message
    self.details = details
    self.status = status
  }

  private enum CodingKeys: String, CodingKey { case status, message, reason, details, code }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    status = try container.decodeIfPresent(String.self, forKey: .status)
    message = try container.decodeIfPresent(String.self, forKey: .message)
    code = try container.decodeIfPresent(Int.self, forKey: .code) ?? 0
    reason = try container.decodeIfPresent(Reason.self, forKey: .reason) ?? .forCode(code)
    details = try container.decodeIfPresent(Details.self, forKey: .details)
  }
}
