import AsyncHTTPClient
import Foundation
import KubeModel
import NIOCore
import NIOFoundationCompat
import NIOHTTP1

extension KubeStatus {
  /// How much of a refusal is read at most.
  static let answerLimit = 1 << 20

  /// Reads a refusal: a `Status`, or whatever a proxy before the server made of it. The header `Retry-After` counts
  /// where the details say nothing.
  init(code: Int, headers: HTTPHeaders, body: ByteBuffer, operation: String) {
    if let status = try? JSONDecoder().decode(KubeStatus.self, from: body), status.status != nil || status.code != 0 {
      self = status
      if self.code == 0 { self.code = code }
    } else {
      let server = headers.first(name: "Server").map { " by \($0)" } ?? ""
      self.init(
        code: code, reason: .forCode(code),
        message: "'\(operation)' was answered\(server) with \(code) and no Kubernetes Status; "
          + "something between here and the API server may have answered")
    }
    guard details?.retryAfterSeconds == nil, let text = headers.first(name: "Retry-After"), let seconds = Int(text),
      seconds >= 0
    else { return }
    if details == nil { details = Details() }
    details?.retryAfterSeconds = seconds
  }
}
