import Foundation
import KubeClient
import KubeModel
import TestSupport
import Testing

/// What a server, or something before it, may answer; a scripted server says it byte by byte.
@Suite("Answers of all kinds")
struct AnswerTests {
  private static let widget =
    #"{"apiVersion":"test.tidemark.dev/v1","kind":"Widget","metadata":{"name":"w","namespace":"n"}}"#
  private let key = ObjectKey(namespace: "n", name: "w")

  private func withServer(
    _ script: @escaping @Sendable (Int, ScriptedServer.Request) -> [ScriptedServer.Step],
    credentials: KubeConfiguration.Credentials = .none, settings: (inout KubeClientSettings) -> Void = { _ in },
    _ work: (KubeClient, ScriptedServer) async throws -> Void
  ) async throws {
    let server = try ScriptedServer(script)
    let client = try server.client(credentials: credentials, settings)
    do {
      try await work(client, server)
    } catch {
      await client.shutdown()
      throw error
    }
    await client.shutdown()
  }

  private func failure(_ work: () async throws -> some Any) async -> KubeError? {
    await #expect(throws: KubeError.self) { _ = try await work() }
  }

  @Test("each request says who we are and what we take")
  func headers() async throws {
    try await withServer({ _, _ in [ScriptedServer.answer("200 OK", Self.widget)] }, credentials: .token("hunter2")) {
      client, server in
      _ = try await client.get(Widget.self, key)
      let request = try #require(server.requests.first)
      #expect(request.line == "GET /apis/test.tidemark.dev/v1/namespaces/n/widgets/w HTTP/1.1")
      #expect(request.headers["user-agent"] == "tidemark/test")
      #expect(request.headers["authorization"] == "Bearer hunter2")
      #expect(request.headers["accept"] == "application/json")
    }
  }

  @Test("a name that would change the meaning of a path is refused before anything is sent")
  func names() async throws {
    try await withServer({ _, _ in [.close] }) { client, server in
      for name in ["", ".", "..", "a/b", "a%2fb"] {
        let error = await failure { try await client.delete(Widget.self, ObjectKey(namespace: "n", name: name)) }
        #expect(error?.code == "KubernetesRequestInvalid")
      }
      let noNamespace = await failure { try await client.get(Widget.self, ObjectKey(namespace: nil, name: "w")) }
      #expect(noNamespace?.code == "KubernetesRequestInvalid")
      #expect(server.requests.isEmpty)
    }
  }

  @Test("a proxy's page instead of a Status is an error with the code, and its wait")
  func proxyPage() async throws {
    let page = ScriptedServer.answer(
      "503 Service Unavailable", "<html>no upstream</html>", headers: ["Server: nginx", "Retry-After: 90"])
    try await withServer({ _, _ in [page] }) { client, _ in
      let error = await failure { try await client.get(Widget.self, key) }
      #expect(error?.status?.code == 503 && error?.status?.reason == .serviceUnavailable)
      #expect(error?.retryAfter == .seconds(90))
      #expect("\(error as Any)".contains("nginx"))
    }
  }

  @Test("a redirect is not followed: it would take our credentials elsewhere")
  func redirect() async throws {
    try await withServer({ _, _ in [ScriptedServer.answer("302 Found", "", headers: ["Location: http://127.0.0.1:1/"])]
    }) {
      client, server in
      let error = await failure { try await client.get(Widget.self, key) }
      #expect(error?.status?.code == 302 && server.requests.count == 1)
    }
  }

  @Test("a read waits out a 429 as long as it says; a write hands it to its caller")
  func throttled() async throws {
    let refusal = ScriptedServer.answer(
      "429 Too Many Requests", #"{"kind":"Status","status":"Failure","code":429,"reason":"TooManyRequests"}"#,
      headers: ["Retry-After: 1"])
    try await withServer({ index, request in
      [index == 0 || request.line.hasPrefix("POST") ? refusal : ScriptedServer.answer("200 OK", Self.widget)]
    }) { client, server in
      let start = ContinuousClock.now
      _ = try await client.get(Widget.self, key)
      #expect(ContinuousClock.now - start >= .seconds(1) && server.requests.count == 2)
      let error = await failure { try await client.create(Widget("w", in: "n")) }
      #expect(error?.isTooManyRequests == true && error?.retryAfter == .seconds(1))
      #expect(server.requests.count == 3)
    }
  }

  @Test("a connection that closes before an answer: reads and applies go again, creations and JSON patches do not")
  func closedBeforeAnswer() async throws {
    try await withServer({ index, _ in index == 0 ? [.close] : [ScriptedServer.answer("200 OK", Self.widget)] }) {
      client, server in
      _ = try await client.get(Widget.self, key)
      #expect(server.requests.count == 2)
    }
    try await withServer({ index, _ in index == 0 ? [.close] : [ScriptedServer.answer("200 OK", Self.widget)] }) {
      client, server in
      try await client.apply(Widget("w", in: "n"), fieldManager: "m")
      #expect(server.requests.count == 2)
    }
    try await withServer({ _, _ in [.close] }) { client, server in
      for (count, error) in [
        (1, await failure { try await client.create(Widget("w", in: "n")) }),
        (2, await failure { try await client.jsonPatch(Widget.self, key, [.remove("/a")]) }),
        (3, await failure { try await client.replace(Widget("w", in: "n")) }),
      ] {
        #expect(error?.code == "KubernetesConnectionClosed", "\(count)")
      }
      #expect(server.requests.count == 3)
    }
    try await withServer({ _, _ in [.close] }) { client, server in
      let error = await failure { try await client.get(Widget.self, key) }
      #expect(error?.code == "KubernetesConnectionClosed" && server.requests.count == 3)
    }
  }

  @Test("a read whose answer breaks off goes again; what half came is not used")
  func brokenAnswer() async throws {
    let half = ScriptedServer.Step.send("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"metadata\":")
    try await withServer({ index, _ in index == 0 ? [half, .close] : [ScriptedServer.answer("200 OK", Self.widget)] }) {
      client, server in
      let read = try await client.get(Widget.self, key)
      #expect(read.key == key && server.requests.count == 2)
    }
  }

  @Test("a server that is silent is a timeout, and its connection is closed")
  func silence() async throws {
    try await withServer(
      { _, _ in [.awaitClose] }, settings: { $0.requestTimeout = .milliseconds(300) }
    ) { client, server in
      let error = await failure { try await client.get(Widget.self, key) }
      #expect(error?.code == "KubernetesTimeout")
      try await eventually { server.clientCloses == 1 }
    }
  }

  @Test("a server that trickles an answer for ever is a timeout too")
  func trickle() async throws {
    let head = ScriptedServer.Step.send("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")
    try await withServer(
      { _, _ in [head, .awaitClose] }, settings: { $0.requestTimeout = .milliseconds(300) }
    ) { client, server in
      let error = await failure { try await client.get(Widget.self, key) }
      #expect(error?.code == "KubernetesTimeout")
      try await eventually { server.clientCloses == 1 }
    }
  }

  @Test("cancelling the task that asks closes the connection")
  func cancellation() async throws {
    try await withServer({ _, _ in [.awaitClose] }) { client, server in
      let key = key
      let task = Task { try await client.get(Widget.self, key) }
      try await eventually { server.requests.count == 1 }
      task.cancel()
      await #expect(throws: CancellationError.self) { _ = try await task.value }
      try await eventually { server.clientCloses == 1 }
    }
  }

  @Test("an answer beyond its bound is refused without being held")
  func largeAnswer() async throws {
    let large = ScriptedServer.answer("200 OK", String(repeating: " ", count: 5000) + Self.widget)
    try await withServer({ _, _ in [large] }, settings: { $0.objectLimit = 4096 }) { client, _ in
      let error = await failure { try await client.get(Widget.self, key) }
      #expect(error?.code == "KubernetesAnswerTooLarge")
    }
  }

  @Test("an answer that is no JSON, or not of the kind, is a decoding error that quotes nothing of it")
  func undecodable() async throws {
    for body in ["hunter2", #"{"metadata":"hunter2"}"#, #"{"metadata":{"name":"w"},"spec":{"size":"hunter2"}}"#] {
      try await withServer({ _, _ in [ScriptedServer.answer("200 OK", body)] }) { client, _ in
        let error = await failure { try await client.get(Widget.self, key) }
        #expect(error?.code == "KubernetesAnswerUndecodable")
        #expect(
          !"\(error as Any)".contains("hunter2") && "\(error as Any)".contains("get widgets.test.tidemark.dev n/w"))
      }
    }
  }

  @Test("a 401 makes the exec plugin run again, once, and the request go again")
  func refreshedOnce() async throws {
    let folder = try Folder()
    try folder.write(
      "plugin",
      """
      #!/bin/sh
      echo x >> "\(folder.path)/calls"
      n=$(wc -l < "\(folder.path)/calls" | tr -d ' ')
      echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t'"$n"'"}}'
      """, executable: .yes)
    let file = try folder.write(
      "config",
      """
      current-context: c
      clusters: [{name: c, cluster: {server: "http://unused"}}]
      contexts: [{name: c, context: {cluster: c, user: u}}]
      users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin}}}]
      """)
    let credentials = try KubeConfiguration.load(kubeconfig: file, environment: [:]).credentials
    let refusal = ScriptedServer.answer("401 Unauthorized", #"{"kind":"Status","status":"Failure","code":401}"#)
    try await withServer(
      { _, request in
        [request.headers["authorization"] == "Bearer t1" ? refusal : ScriptedServer.answer("201 Created", Self.widget)]
      }, credentials: credentials
    ) { client, server in
      // A creation too: what was refused was not carried out.
      try await client.create(Widget("w", in: "n"))
      try await client.create(Widget("w", in: "n"))
      let sent = server.requests.compactMap { $0.headers["authorization"] }
      #expect(sent == ["Bearer t1", "Bearer t2", "Bearer t2"])
    }
    try await withServer({ _, _ in [refusal] }, credentials: credentials) { client, server in
      let error = await failure { try await client.get(Widget.self, key) }
      #expect(error?.isUnauthorized == true && server.requests.count == 2)
    }
  }

  @Test("no error of a request shows its credential")
  func noCredentialInErrors() async throws {
    try await withServer({ _, _ in [.close] }, credentials: .token("hunter2\nX: y")) { client, _ in
      let error = await failure { try await client.get(Widget.self, key) }
      #expect(!"\(error as Any)".contains("hunter2"))
      #expect(!String(reflecting: error).contains("hunter2"))
    }
  }
}
