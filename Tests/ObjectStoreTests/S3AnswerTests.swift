import NIOCore
import ObjectStore
import Testing

/// Answers that a healthy server does not give.
@Suite(.timeLimit(.minutes(1))) struct S3AnswerTests {
  typealias Answer = ScriptedServer.Answer

  @Test("overload and failures of the server are tried again until it is well")
  func recovers() async throws {
    let script: [Answer] = [
      .error("503 Slow Down", "SlowDown"), .error("500 Internal Server Error", "InternalError"),
      .error("429 Too Many Requests", ""), .error("400 Bad Request", "RequestTimeout"),
      .error("409 Conflict", "OperationAborted"), Answer(body: "content"),
    ]
    try await ScriptedServer.with({ script[$1] }) { store, server in
      let content = try await store.get("k")
      #expect(content == ByteBuffer(string: "content"))
      #expect(server.requests.count == script.count)
    }
  }

  @Test("Retry-After is waited for")
  func retryAfter() async throws {
    try await ScriptedServer.with({ _, number in
      number == 0 ? .error("503 Slow Down", "SlowDown", headers: ["Retry-After": "1"]) : Answer(body: "content")
    }) { store, _ in
      let started = ContinuousClock.now
      _ = try await store.get("k")
      #expect(started.duration(to: .now) >= .seconds(1))
    }
  }

  @Test(
    "what stays broken is given up after the bound of attempts, by its own code",
    arguments: [
      ("503 Slow Down", "SlowDown", ObjectStoreError.Code.throttled, 4), ("500 Oops", "InternalError", .server, 4),
      ("502 Bad Gateway", "", .server, 4), ("400 Bad Request", "ExpiredToken", .credentialsInvalid, 1),
      ("401 Unauthorized", "", .credentialsInvalid, 1), ("403 Forbidden", "AccessDenied", .accessDenied, 1),
      ("501 Not Implemented", "NotImplemented", .invalidRequest, 1),
      ("400 Bad Request", "EntityTooLarge", .invalidRequest, 1), ("404 Not Found", "NoSuchKey", .notFound, 1),
      ("400 Bad Request", "BadDigest", .corrupted, 3),
    ])
  func givesUp(_ status: String, _ code: String, _ expected: ObjectStoreError.Code, _ requests: Int) async throws {
    try await ScriptedServer.with(attempts: 4, { _, _ in .error(status, code) }) { store, server in
      #expect(await ObjectStoreTests.code { _ = try await store.get("k") } == expected)
      #expect(server.requests.count == requests)
    }
  }

  @Test("a bucket of another region is told with that region, and not asked again")
  func region() async throws {
    try await ScriptedServer.with({ _, _ in
      .error("301 Moved Permanently", "PermanentRedirect", headers: ["x-amz-bucket-region": "eu-central-1"])
    }) { store, server in
      let error = await #expect(throws: ObjectStoreError.self) { try await store.put("k", bytes(1)) }
      #expect(error?.code == .invalidRequest && error?.message.contains("'eu-central-1'") == true)
      #expect(server.requests.count == 1)
    }
  }

  @Test("a server that ignores the range, or gives another, is an error, not wrong bytes")
  func wrongRange() async throws {
    try await ScriptedServer.with({ _, _ in Answer(body: "0123456789") }) { store, _ in
      #expect(await code { _ = try await store.get("k", range: 2..<4) } == .server)
    }
    try await ScriptedServer.with({ _, _ in
      Answer(status: "206 Partial", headers: ["Content-Range": "bytes 0-1/10"], body: "01")
    }) { store, _ in
      #expect(await code { _ = try await store.get("k", range: 2..<4) } == .invalidRequest)
    }
  }

  @Test("an unreadable listing is an error, not an empty one", arguments: ["", "<html></html>", "<ListBucketResult>"])
  func unreadableListing(_ body: String) async throws {
    try await ScriptedServer.with({ _, _ in Answer(body: body) }) { store, _ in
      #expect(await code { _ = try await store.list(prefix: "").collected() } == .server)
      #expect(await code { _ = try await store.commonPrefixes(prefix: "", delimiter: "/") } == .server)
    }
  }

  @Test("deleting many tells which key failed, and of what")
  func deleteErrors() async throws {
    let body = """
      <DeleteResult><Error><Key>b</Key><Code>AccessDenied</Code><Message>locked</Message></Error>\
      <Error><Key>c</Key><Code>InternalError</Code><Message>m</Message></Error></DeleteResult>
      """
    try await ScriptedServer.with({ _, _ in Answer(body: body) }) { store, _ in
      let error = await #expect(throws: ObjectStoreError.self) { try await store.delete(["a", "b", "c"]) }
      #expect(error?.code == .accessDenied && error?.key == "b")
      #expect(error?.message.contains("2 of 3") == true && error?.message.contains("locked") == true)
    }
  }

  @Test("an error inside a 200 to the end of a multipart upload is an error: tried again, then the upload is aborted")
  func errorInsideSuccess() async throws {
    try await ScriptedServer.with(attempts: 3, { request, _ in Self.multipart(request) }) { store, server in
      let failure = await code { try await store.put("k", stream: Pieces(total: 11 << 20), condition: .always) }
      #expect(failure == .server)
      #expect(server.requests.filter { $0.hasPrefix("POST /bucket/k?uploadId") }.count == 3)
      #expect(server.requests.last?.hasPrefix("DELETE /bucket/k?uploadId=u") == true)
    }
  }

  private static func multipart(_ request: String) -> Answer {
    if request.contains("?uploads=") {
      return Answer(body: "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
    }
    if request.contains("partNumber") { return Answer(headers: ["ETag": "\"e\""]) }
    if request.hasPrefix("POST") { return .error("200 OK", "InternalError") }
    if request.hasPrefix("DELETE") { return Answer(status: "204 No Content") }
    return .error("404 Not Found", "NoSuchKey")
  }
}
