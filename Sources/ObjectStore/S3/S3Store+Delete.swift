internal import COpenSSL
internal import NIOCore
internal import NIOHTTP1

extension S3Store {
  /// Keys that one request can name.
  private static let mostAtOnce = 1_000

  public func delete(_ keys: [String]) async throws {
    for key in keys { try ObjectKeyRules.check(key, operation: "delete") }
    if keys.count == 1 {
      do {
        _ = try await transport.document(S3Request("delete", .DELETE, key: keys[0]))
      } catch let error as ObjectStoreError where error.code == .notFound {
        return
      }
      return
    }
    var rest = keys[...]
    while !rest.isEmpty {
      try await deleteTogether(rest.prefix(Self.mostAtOnce))
      rest = rest.dropFirst(Self.mostAtOnce)
    }
  }

  private func deleteTogether(_ keys: ArraySlice<String>) async throws {
    // Some characters cannot stand in XML at all.
    let (plain, odd) = (keys.filter(canStandInXML), keys.filter { !canStandInXML($0) })
    for key in odd { try await delete([key]) }
    if plain.isEmpty { return }
    let list = plain.map { "<Object><Key>\(xmlEscaped($0))</Key></Object>" }.joined()
    let body = ByteBuffer(string: "<Delete><Quiet>true</Quiet>\(list)</Delete>")
    let request = S3Request("delete", .POST, query: [("delete", "")])
      .with(header: "content-md5", md5Base64(body))
      .with(header: "content-type", "application/xml")
      .with(body: body)
    let answer = try await transport.document(request)
    guard let document = try? XMLNode(document: answer.body.readableBytesView) else {
      throw ObjectStoreError(.server, operation: "delete", message: "the server's answer cannot be understood")
    }
    let failed = document.all("Error").filter { $0["Code"] != "NoSuchKey" }
    guard let first = failed.first else { return }
    let denied = failed.contains { $0["Code"] == "AccessDenied" }
    throw ObjectStoreError(
      denied ? .accessDenied : .server, operation: "delete", key: first["Key"],
      message: "the server did not delete \(failed.count) of \(keys.count) objects; the first failed of "
        + "\(first["Code"] ?? "an unknown cause"): \(first["Message"] ?? "no message")")
  }

  private func canStandInXML(_ key: String) -> Bool {
    key.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0xFFFE && $0.value != 0xFFFF }
  }
}

/// `text` as it stands between tags.
func xmlEscaped(_ text: String) -> String {
  guard text.utf8.contains(where: { "&<>\"".utf8.contains($0) }) else { return text }
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}

/// For Content-MD5, which DeleteObjects and PutObjectTagging demand.
func md5Base64(_ body: ByteBuffer) -> String {
  var digest = [UInt8](repeating: 0, count: 16)
  body.withUnsafeReadableBytes { bytes in
    _ = EVP_Digest(bytes.baseAddress, bytes.count, &digest, nil, EVP_md5(), nil)
  }
  var text = [UInt8](repeating: 0, count: 25)
  EVP_EncodeBlock(&text, digest, 16)
  return String(decoding: text.prefix(24), as: UTF8.self)
}
