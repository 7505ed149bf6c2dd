import AsyncHTTPClient
import Foundation
import KubeModel
import NIOCore
import NIOFoundationCompat
import NIOHTTP1

/// Requests with everything around them: credentials, refusals, tries, bounds and metrics.
struct Exchange: Sendable {
  let connections: Connections
  let credentials: CredentialSource
  let metrics: RequestMetrics
  let settings: KubeClientSettings

  /// Sends a request, again where that is safe, and gives the body of the answer.
  func perform(_ request: APIRequest) async throws -> ByteBuffer {
    var repeating = Repeating(request.repetition)
    while true {
      do {
        return try await attempt(request)
      } catch let error as KubeError {
        guard case .again(let wait) = repeating.after(error, jitter: .random(in: 0..<1)) else { throw error }
        try await Task.sleep(for: wait)
      }
    }
  }

  /// Sends a request and decodes the answer.
  func perform<Answer: Decodable>(_ request: APIRequest, as type: Answer.Type) async throws -> Answer {
    let body = try await perform(request)
    do {
      return try JSONDecoder().decode(type, from: body)
    } catch {
      throw KubeError.decoding(
        KubeDecodingFailure(operation: request.operation, reason: describeDecodingFailure(error)))
    }
  }

  /// Opens a watch and gives its body; refusals are thrown.
  func open(_ request: APIRequest) async throws -> HTTPClientResponse.Body {
    let response = try await answer(to: request, on: .watches)
    guard response.status == .ok else { throw try await refusal(response, request) }
    return response.body
  }

  private func attempt(_ request: APIRequest) async throws -> ByteBuffer {
    do {
      return try await withTimeout(request.timeout) {
        let response = try await answer(to: request, on: .requests)
        guard (200..<300).contains(response.status.code) else { throw try await refusal(response, request) }
        return try await collect(response, upTo: request.answerLimit, request)
      }
    } catch is TimedOut {
      throw failure(.timeout, "no whole answer within \(request.timeout)", request)
    }
  }

  /// The head of the answer. A 401 makes it ask once more with a new credential, where one can be had.
  private func answer(to request: APIRequest, on pool: Connections.Pool) async throws -> HTTPClientResponse {
    let credential = try await credentials.credential()
    let response = try await send(request, credential, on: pool)
    guard response.status == .unauthorized, await credentials.refused(credential) else { return response }
    // The connection is free for the next request only when the answer was read.
    _ = try? await response.body.collect(upTo: KubeStatus.answerLimit)
    return try await send(request, try await credentials.credential(), on: pool)
  }

  private func send(
    _ request: APIRequest, _ credential: Credential, on pool: Connections.Pool
  ) async throws -> HTTPClientResponse {
    let start = ContinuousClock.now
    do {
      let response = try await connections.send(
        request, credential: credential, userAgent: settings.userAgent, on: pool)
      metrics.record(code: "\(response.status.code)", method: request.method.rawValue, since: start)
      return response
    } catch let error as KubeConfigurationFailure {
      throw KubeError.configuration(error)
    } catch {
      if Task.isCancelled { throw CancellationError() }
      metrics.record(code: "<error>", method: request.method.rawValue, since: start)
      throw KubeError.transport(
        KubeTransportFailure(
          error, stage: .awaitingAnswer, operation: request.operation, server: connections.authority))
    }
  }

  private func collect(
    _ response: HTTPClientResponse, upTo limit: Int, _ request: APIRequest
  ) async throws -> ByteBuffer {
    do {
      return try await response.body.collect(upTo: limit)
    } catch {
      if Task.isCancelled { throw CancellationError() }
      throw KubeError.transport(
        KubeTransportFailure(
          error, stage: .readingAnswer, operation: request.operation, server: connections.authority))
    }
  }

  private func refusal(_ response: HTTPClientResponse, _ request: APIRequest) async throws -> KubeError {
    // What cannot be read of a refusal must not hide the refusal.
    let body = try? await response.body.collect(upTo: KubeStatus.answerLimit)
    try Task.checkCancellation()
    return .status(
      KubeStatus(
        code: Int(response.status.code), headers: response.headers, body: body ?? ByteBuffer(),
        operation: request.operation))
  }

  private func failure(_ code: KubeTransportFailure.Code, _ detail: String, _ request: APIRequest) -> KubeError {
    .transport(
      KubeTransportFailure(
        code: code, stage: .awaitingAnswer, operation: request.operation, server: connections.authority,
        detail: detail))
  }
}
