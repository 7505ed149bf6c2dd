internal import NIOCore
internal import NIOHTTP1

extension S3Failure {
  /// What an answer other than success means. `body` may be empty: answers to HEAD are.
  init(answer status: Int, headers: HTTPHeaders, body: ByteBuffer, to request: S3Request, bucket: String) {
    let document = try? XMLNode(document: body.readableBytesView)
    let error = document?.name == "Error" ? document : document?.child("Error")
    let answer = Answer(
      status: status, code: error?["Code"] ?? "", text: error?["Message"] ?? "",
      region: headers.first(name: "x-amz-bucket-region") ?? error?["Region"], bucket: bucket)
    let (code, advice) = answer.meaning(hasKey: request.key != nil)
    let requestID = headers.first(name: "x-amz-request-id").map { ", request \($0)" } ?? ""
    let said = [answer.code, answer.text].filter { !$0.isEmpty }.joined(separator: ": ")
    self.error = ObjectStoreError(
      code, operation: request.operation, key: request.key,
      message: "\(advice) (the server answered \(status)\(said.isEmpty ? "" : " \(said)")\(requestID))")
    remedy = answer.remedy(code, headers)
    mayHaveHappened = status >= 500
  }

  /// The part of an answer that decides.
  private struct Answer {
    let status: Int
    let code: String
    let text: String
    let region: String?
    let bucket: String

    /// The words for people, and the code for programs.
    func meaning(hasKey: Bool) -> (ObjectStoreError.Code, String) {
      switch code {
      case "NoSuchBucket": return (.bucketNotFound, "there is no bucket '\(bucket)'; create it, or mend its name")
      case "NoSuchKey", "NoSuchVersion": return (.notFound, "there is no such object in bucket '\(bucket)'")
      case "NoSuchUpload": return (.server, "the server no longer knows this multipart upload")
      case "InvalidAccessKeyId": return (.credentialsInvalid, "the server knows no such access key; check the Secret")
      case "SignatureDoesNotMatch":
        return (.credentialsInvalid, "the secret does not fit the access key; check the Secret")
      case "InvalidToken", "ExpiredToken", "TokenRefreshRequired", "Unauthorized":
        return (.credentialsInvalid, "the credentials are no longer, or not, valid; renew them")
      case "AccessDenied", "AllAccessDisabled", "AccountProblem", "Forbidden":
        return (.accessDenied, "these credentials may not do this; grant it, or use others")
      case "RequestTimeTooSkewed", "RequestExpired":
        return (.accessDenied, "this machine's clock and the server's differ too much; set the clock")
      case "AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException":
        let hint = region.map { "; the bucket lies in region '\($0)'" } ?? ""
        return (.invalidRequest, "the region or the endpoint is not the bucket's own\(hint); mend them")
      case "SlowDown", "Throttling", "ThrottlingException", "TooManyRequests", "RequestLimitExceeded",
        "BandwidthLimitExceeded", "Busy":
        return (.throttled, "the server wants fewer requests, and kept saying so")
      case "RequestTimeout": return (.timeout, "the server waited too long for our bytes")
      case "BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch":
        return (.corrupted, "the bytes that arrived are not those that were sent, several times; suspect the network")
      case "PreconditionFailed": return precondition
      case "OperationAborted", "ConditionalRequestConflict":
        return (.server, "another writer was busy with the same key, several times")
      default: return byStatus(hasKey: hasKey)
      }
    }

    private var precondition: (ObjectStoreError.Code, String) {
      (.alreadyExists, "an object is there, and this put was to create it")
    }

    private func byStatus(hasKey: Bool) -> (ObjectStoreError.Code, String) {
      switch status {
      case 301, 307, 308:
        return (
          .invalidRequest, "the bucket is served by another endpoint\(region.map { " in '\($0)'" } ?? ""); use that"
        )
      case 401: return (.credentialsInvalid, "the server does not accept the credentials; check the Secret")
      case 403: return (.accessDenied, "these credentials may not do this; grant it, or use others")
      case 404 where hasKey: return (.notFound, "there is no such object in bucket '\(bucket)'")
      case 404: return (.bucketNotFound, "there is no bucket '\(bucket)'; create it, or mend its name")
      case 412: return precondition
      case 408: return (.timeout, "the server waited too long for our bytes")
      case 429: return (.throttled, "the server wants fewer requests, and kept saying so")
      case 501: return (.invalidRequest, "the server does not support this request")
      case 500...: return (.server, "the server failed; look at its log, and whether it is overloaded")
      default: return (.invalidRequest, "the server refuses the request as wrong")
      }
    }

    func remedy(_ error: ObjectStoreError.Code, _ headers: HTTPHeaders) -> Remedy {
      let date = headers.first(name: "date").flatMap { UnixTime(httpDate: $0) }
      if ["RequestTimeTooSkewed", "RequestExpired"].contains(code), let date { return .clock(date) }
      switch error {
      case .credentialsInvalid: return .credentials
      case .throttled, .timeout, .corrupted: return .wait(atLeast: retryAfter(headers))
      case .server where status != 501 && code != "NoSuchUpload": return .wait(atLeast: retryAfter(headers))
      default: return .none
      }
    }

    /// Seconds, or a date to wait for.
    private func retryAfter(_ headers: HTTPHeaders) -> Duration? {
      guard let value = headers.first(name: "retry-after") else { return nil }
      if let seconds = Int64(value), seconds >= 0 { return .seconds(seconds) }
      return UnixTime(httpDate: value).map { max(.zero, $0.duration(since: .now)) }
    }
  }
}
