import HTTPTypes
import Hummingbird
import HummingbirdCore
import KubeClient
import Logging
import Metrics
import NIOCore

/// Answers every call: the open paths itself, the routes after it has found out who calls and how often.
struct FacadeResponder: HTTPResponder {
  typealias Context = FacadeContext

  let configuration: FacadeConfiguration
  let router: Router
  let endpoints: Endpoints
  let authenticator: Authenticator
  let callers: CallerLimits
  let failures: CallerLimits
  let document: ByteBuffer
  /// What is still missing before calls can be answered.
  let notReady: @Sendable () -> [String]
  let logger: Logger

  /// What is known of a call, for its metrics and its line in the log.
  private struct Account {
    var route = "none"
    var caller = "nobody"
  }

  func respond(to request: Request, context: FacadeContext) async throws -> Response {
    let started = ContinuousClock.now
    let id = RequestID.of(request)
    var account = Account()
    var answer: Answer
    do {
      answer = try await self.answer(request, context, id, &account)
    } catch {
      answer = failure(error, request, id).answer
    }
    answer.headers[.requestID] = id
    answer.headers[.tidemarkVersion] = configuration.version
    answer.headers[.cacheControl] = "no-store"
    if answer.body != nil, answer.headers[.contentType] == nil {
      answer.headers[.contentType] = "application/json"
    }
    if Self.leavesBody(request, answer) {
      answer.headers[.connection] = "close"
      context.closeSoon()
    }
    record(request, answer, id, account, ContinuousClock.now - started)
    return Response(
      status: answer.status, headers: answer.headers,
      body: answer.body.map { ResponseBody(byteBuffer: $0) } ?? ResponseBody())
  }

  // MARK: The way to an answer

  private func answer(
    _ request: Request, _ context: FacadeContext, _ id: String, _ account: inout Account
  ) async throws -> Answer {
    if let open = try open(request, &account) { return open }
    let route: (Route, String)
    switch router.find(request.method, request.uri.path) {
    case .route(let found, let id): route = (found, id)
    case .otherMethods(let methods): throw Self.notAllowed(request.method, methods)
    case .nothing:
      throw FacadeError(.notFound, "there is no such path; /openapi.json describes all that there are")
    }
    account.route = route.0.path
    let caller = try await identify(request, context)
    account.caller = caller.name
    try callers.count(caller.name)
    let missing = notReady()
    guard missing.isEmpty else {
      throw FacadeError(.serviceUnavailable, "the facade is starting; try again", retryAfter: 1)
    }
    let call = Call(
      caller: caller, request: request, id: route.1, requestID: id, limits: configuration.limits)
    return try await route.0.handler(endpoints, call)
  }

  /// The paths that need no credentials.
  private func open(_ request: Request, _ account: inout Account) throws -> Answer? {
    let path = request.uri.path
    switch path {
    case "/healthz", "/readyz", "/openapi.json", "\(Router.base)/openapi.json": account.route = path
    default: return nil
    }
    guard request.method == .get else { throw Self.notAllowed(request.method, [.get]) }
    switch path {
    case "/healthz": return Self.text(.ok, "ok\n")
    case "/readyz":
      let missing = notReady()
      return missing.isEmpty
        ? Self.text(.ok, "ok\n")
        : Self.text(.serviceUnavailable, "not synced: \(missing.joined(separator: ", "))\n")
    default: return Answer(.ok, body: document)
    }
  }

  /// Who calls. An address from which bad credentials keep coming is refused before they are looked at.
  private func identify(_ request: Request, _ context: FacadeContext) async throws -> Caller {
    let address = context.address
    if failures.isExhausted(address) { try failures.count(address) }
    do {
      return try await authenticator.caller(request.headers)
    } catch let error as FacadeError where error.code == .unauthorized {
      try failures.count(address)
      throw error
    }
  }

  private static func notAllowed(_ method: HTTPRequest.Method, _ known: [HTTPRequest.Method]) -> FacadeError {
    let methods = known.map(\.rawValue).joined(separator: ", ")
    return FacadeError(
      .methodNotAllowed, "\(method.rawValue) does not fit the path; expected \(methods)", allow: methods)
  }

  private static func text(_ status: HTTPResponse.Status, _ text: String) -> Answer {
    var answer = Answer(status, body: ByteBuffer(string: text))
    answer.headers[.contentType] = "text/plain; charset=utf-8"
    return answer
  }

  /// Whether there may be a large body that nobody reads: it was refused for its size, or never looked at.
  private static func leavesBody(_ request: Request, _ answer: Answer) -> Bool {
    guard answer.status.code >= 400 else { return false }
    if answer.status == .contentTooLarge { return true }
    let length = request.headers[.contentLength].flatMap { Int($0) } ?? 0
    return length > 65_536 || request.headers[.transferEncoding] != nil
  }

  // MARK: What is told of it

  /// What a caller reads of an error. What is ours alone goes to the log, without anything of the call's body.
  private func failure(_ error: any Error, _ request: Request, _ id: String) -> FacadeError {
    switch error {
    case let error as FacadeError: return error
    case let error as KubeError:
      let told = FacadeError(error)
      if error.isForbidden || told.code == .internalError || told.code == .serviceUnavailable {
        logger.warning("the Kubernetes API failed a call", metadata: ["id": "\(id)", "error": "\(error)"])
      }
      return told
    case is CancellationError:
      return FacadeError(.serviceUnavailable, "the facade is ending; try again", retryAfter: 1)
    default:
      logger.error("a call failed", metadata: ["id": "\(id)", "error": "\(type(of: error))"])
      return FacadeError(.internalError, "the facade failed; its log has more under this x-request-id")
    }
  }

  /// One line for a call that changed something or failed; the path's ids, never headers, query or body.
  private func record(
    _ request: Request, _ answer: Answer, _ id: String, _ account: Account, _ took: Duration
  ) {
    let code = answer.status.code
    let dimensions = [("method", request.method.rawValue), ("route", account.route)]
    Counter(label: "tidemark_rest_requests_total", dimensions: dimensions + [("code", "\(code)")]).increment()
    Timer(label: "tidemark_rest_request_seconds", dimensions: dimensions).record(duration: took)
    let level: Logger.Level = code >= 500 ? .warning : request.method == .get || code >= 400 ? .debug : .info
    logger.log(
      level: level, "call",
      metadata: [
        "id": "\(id)", "method": "\(request.method.rawValue)", "path": "\(request.uri.path)", "code": "\(code)",
        "caller": "\(account.caller)",
        "ms": "\(took.components.seconds * 1000 + took.components.attoseconds / 1_000_000_000_000_000)",
      ])
  }
}

/// By what a call is found in the log.
enum RequestID {
  /// The caller's `x-request-id` where it is fit for a log, else a new one.
  static func of(_ request: Request) -> String {
    if let given = request.headers[.requestID], isSane(given) { return given }
    return String(UInt64.random(in: 1 << 60 ... .max), radix: 16)
  }

  static func isSane(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy {
        (0x30...0x39).contains($0) || (0x41...0x5a).contains($0 & 0xdf) || "._-".utf8.contains($0)
      }
  }
}
