internal import Synchronization

/// AWS Signature Version 4 in a request's headers.
///
/// Source: Amazon S3 API reference, 'Authenticating Requests: Using the Authorization Header'. The path comes encoded
/// and is signed as it is, which is S3's rule (other services normalise it and encode it once more).
package final class SignatureV4: Sendable {
  package let region: String
  package let service: String
  private let lastKey = Mutex<DayKey?>(nil)

  /// The signing key of one day, which four HMACs made of the secret.
  private struct DayKey {
    let secret: String
    let day: String
    let key: [UInt8]
  }

  package init(region: String, service: String = "s3") {
    self.region = region
    self.service = service
  }

  /// What is signed.
  package struct Request: Sendable {
    package var method: String
    /// Encoded, beginning with a slash.
    package var path: String
    /// Names and values, not encoded.
    package var query: [(name: String, value: String)]
    /// All of these are signed; `host` and `x-amz-date` have to be among them. A name may come more than once.
    package var headers: [(name: String, value: String)]
    /// Hexadecimal SHA-256 of the body, or `UNSIGNED-PAYLOAD`.
    package var payload: String

    package init(
      method: String, path: String, query: [(name: String, value: String)], headers: [(name: String, value: String)],
      payload: String
    ) {
      self.method = method
      self.path = path
      self.query = query
      self.headers = headers
      self.payload = payload
    }
  }

  /// The value of the `Authorization` header. `date` is the compact form that `x-amz-date` has.
  package func authorization(_ request: Request, _ credentials: S3Credentials, date: String) -> String {
    let day = String(date.prefix(8))
    let scope = "\(day)/\(region)/\(service)/aws4_request"
    let (canonical, signedHeaders) = Self.canonical(request)
    let stringToSign = "AWS4-HMAC-SHA256\n\(date)\n\(scope)\n\(ContentSHA256(of: canonical))"
    let signature = hexadecimal(hmacSHA256(key(credentials.secretAccessKey, day), stringToSign))
    return "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope), "
      + "SignedHeaders=\(signedHeaders), Signature=\(signature)"
  }

  /// The request in the one form that both sides sign, and the names of its headers.
  package static func canonical(_ request: Request) -> (text: String, signedHeaders: String) {
    let names = Set(request.headers.map { $0.name.lowercased() }).sorted { precedes($0.utf8, $1.utf8) }
    let signedHeaders = names.joined(separator: ";")
    let headers = names.map { name in
      let values = request.headers.filter { $0.name.lowercased() == name }.map { trimmed($0.value) }
      return "\(name):\(values.joined(separator: ","))\n"
    }
    let text =
      "\(request.method)\n\(request.path)\n\(encodedQuery(request.query))\n"
      + "\(headers.joined())\n\(signedHeaders)\n\(request.payload)"
    return (text, signedHeaders)
  }

  /// Encoded and sorted: serves as the query of the URL too.
  package static func encodedQuery(_ query: [(name: String, value: String)]) -> String {
    query.map { (PercentEncoding.encode($0.name, slash: .encoded), PercentEncoding.encode($0.value, slash: .encoded)) }
      .sorted { $0.0 == $1.0 ? precedes($0.1.utf8, $1.1.utf8) : precedes($0.0.utf8, $1.0.utf8) }
      .map { "\($0.0)=\($0.1)" }
      .joined(separator: "&")
  }

  /// Without spaces at the ends, and with one in place of several.
  private static func trimmed(_ value: String) -> String {
    guard value.contains("  ") || value.hasPrefix(" ") || value.hasSuffix(" ") else { return value }
    return value.split(separator: " ").joined(separator: " ")
  }

  private func key(_ secret: String, _ day: String) -> [UInt8] {
    if let last = lastKey.withLock({ $0 }), last.day == day, last.secret == secret { return last.key }
    let key = [region, service, "aws4_request"]
      .reduce(hmacSHA256(Array("AWS4\(secret)".utf8), day)) { hmacSHA256($0, $1) }
    lastKey.withLock { $0 = DayKey(secret: secret, day: day, key: key) }
    return key
  }
}
