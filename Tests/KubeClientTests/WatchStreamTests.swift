import KubeClient
import KubeModel
import NIOCore
import TestSupport
import Testing

/// What a watch may bring; a scripted server says it byte by byte.
@Suite("Watch streams")
struct WatchStreamTests {
  private static func object(_ name: String, _ version: Int, spec: String = "{}") -> String {
    #"{"apiVersion":"test.tidemark.dev/v1","kind":"Widget","metadata":{"name":"\#(name)","namespace":"n","#
      + #""resourceVersion":"\#(version)"},"spec":\#(spec)}"#
  }

  private static func line(_ type: String, _ object: String) -> String {
    #"{"type":"\#(type)","object":\#(object)}"# + "\n"
  }

  /// An event in a few letters, to compare whole watches.
  private func short(_ event: WatchEvent<Widget>) -> String {
    switch event {
    case .added(let widget): "+\(widget.metadata.name ?? "")@\(event.resourceVersion ?? "")"
    case .modified(let widget): "~\(widget.metadata.name ?? "")@\(event.resourceVersion ?? "")"
    case .deleted(let widget): "-\(widget.metadata.name ?? "")@\(event.resourceVersion ?? "")"
    case .bookmark(let version): "b@\(version)"
    case .error(let status): "e\(status.code)"
    case .undecodable(let object, let change):
      "?\(change) \(object.key?.description ?? "")@\(object.resourceVersion ?? "")"
    }
  }

  /// Watches until the end; gives the events and the error that ended them.
  private func watch(
    _ steps: [ScriptedServer.Step], settings: (inout KubeClientSettings) -> Void = { _ in }
  ) async throws -> (events: [String], error: KubeError?) {
    let server = try ScriptedServer { _, _ in steps }
    let client = try server.client(settings)
    var events: [String] = []
    var failure: KubeError?
    do {
      for try await event in client.watch(Widget.self, namespace: "n") { events.append(short(event)) }
    } catch let error as KubeError {
      failure = error
    }
    await client.shutdown()
    return (events, failure)
  }

  @Test("every kind of event is told, and an object that does not fit does not end the watch")
  func events() async throws {
    let text =
      Self.line("ADDED", Self.object("a", 1)) + Self.line("MODIFIED", Self.object("a", 2))
      + Self.line("BOOKMARK", #"{"kind":"Widget","metadata":{"resourceVersion":"5"}}"#)
      + Self.line("MODIFIED", Self.object("bad", 6, spec: #"{"size":"huge"}"#))
      + Self.line("DELETED", Self.object("bad", 7, spec: "[]")) + Self.line("DANCED", Self.object("c", 8))
      + Self.line("ADDED", #""no object at all""#) + Self.line("DELETED", Self.object("a", 9))
      + Self.line("ERROR", #"{"kind":"Status","status":"Failure","code":410,"reason":"Expired"}"#)
    let expected = [
      "+a@1", "~a@2", "b@5", "?MODIFIED n/bad@6", "?DELETED n/bad@7", "?DANCED n/c@8", "?ADDED @", "-a@9", "e410",
    ]
    let whole = try await watch([ScriptedServer.watchHead, ScriptedServer.chunk(text), ScriptedServer.watchEnd])
    #expect(whole.events == expected && whole.error == nil)
    let bytewise = text.utf8.map { ScriptedServer.chunk(String(UnicodeScalar($0))) }
    let pieces = try await watch([ScriptedServer.watchHead] + bytewise + [ScriptedServer.watchEnd])
    #expect(pieces.events == expected && pieces.error == nil)
  }

  @Test("a watch asks for bookmarks and an end, from its version on")
  func query() async throws {
    let server = try ScriptedServer { _, _ in [ScriptedServer.watchHead, ScriptedServer.watchEnd] }
    let client = try server.client()
    let options = WatchOptions(resourceVersion: "42", labelSelector: "a=b,c!=d", timeoutSeconds: 9999)
    for try await _ in client.watch(Widget.self, options: options) {}
    await client.shutdown()
    #expect(
      server.requests.map(\.line) == [
        "GET /apis/test.tidemark.dev/v1/widgets?watch=true&allowWatchBookmarks=true&resourceVersion=42"
          + "&labelSelector=a%3Db%2Cc%21%3Dd&timeoutSeconds=600 HTTP/1.1"
      ])
  }

  @Test("a connection that breaks off is an error after the whole events before it; half an event is never told")
  func brokenOff() async throws {
    let first = Self.line("ADDED", Self.object("a", 1))
    let broken = try await watch([
      ScriptedServer.watchHead, ScriptedServer.chunk(first + #"{"type":"ADDED","obj"#), .close,
    ])
    #expect(broken.events == ["+a@1"] && broken.error?.code == "KubernetesConnectionClosed")
    let ended = try await watch([
      ScriptedServer.watchHead, ScriptedServer.chunk(first + Self.object("b", 2)), ScriptedServer.watchEnd,
    ])
    #expect(ended.events == ["+a@1"] && ended.error?.code == "KubernetesConnectionClosed")
  }

  @Test("a line that is no JSON, and one beyond the bound, end the watch with an error")
  func brokenLines() async throws {
    let noJSON = try await watch([ScriptedServer.watchHead, ScriptedServer.chunk("hunter2\n"), .awaitClose])
    #expect(noJSON.error?.code == "KubernetesAnswerUndecodable" && !"\(noJSON.error as Any)".contains("hunter2"))
    let long = Self.line("ADDED", Self.object("a", 1, spec: #"{"note":"\#(String(repeating: "x", count: 2000))"}"#))
    let tooLong = try await watch(
      [ScriptedServer.watchHead, ScriptedServer.chunk(long), .awaitClose], settings: { $0.eventLimit = 1000 })
    #expect(tooLong.events.isEmpty && tooLong.error?.code == "KubernetesAnswerTooLarge")
  }

  @Test("a refusal to open is thrown with its code and wait", arguments: [410, 429, 403, 500])
  func refusals(code: Int) async throws {
    let answer = ScriptedServer.answer(
      "\(code) X", #"{"kind":"Status","status":"Failure","code":\#(code)}"#, headers: ["Retry-After: 7"])
    let result = try await watch([answer])
    #expect(result.error?.status?.code == code && result.error?.retryAfter == .seconds(7))
    #expect(result.error?.isGone == (code == 410) && result.error?.isTooManyRequests == (code == 429))
  }

  @Test("a watch that stays silent beyond its bound is an error, and its connection is closed")
  func idle() async throws {
    let server = try ScriptedServer { _, _ in [ScriptedServer.watchHead, .awaitClose] }
    let client = try server.client { $0.watchIdleTimeout = .milliseconds(300) }
    let error = await #expect(throws: KubeError.self) {
      for try await _ in client.watch(Widget.self) {}
    }
    #expect(error?.code == "KubernetesTimeout")
    try await eventually { server.clientCloses == 1 }
    await client.shutdown()
  }

  @Test("cancelling the consumer closes the connection")
  func cancellation() async throws {
    let event = ScriptedServer.chunk(Self.line("ADDED", Self.object("a", 1)))
    let server = try ScriptedServer { _, _ in [ScriptedServer.watchHead, event, .awaitClose] }
    let client = try server.client()
    let task = Task { for try await _ in client.watch(Widget.self) {} }
    try await eventually { server.requests.count == 1 }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    try await eventually { server.clientCloses == 1 }
    await client.shutdown()
  }

  @Test("leaving the loop closes the connection")
  func leaving() async throws {
    let event = ScriptedServer.chunk(Self.line("ADDED", Self.object("a", 1)))
    let server = try ScriptedServer { _, _ in [ScriptedServer.watchHead, event, .awaitClose] }
    let client = try server.client()
    for try await _ in client.watch(Widget.self) { break }
    try await eventually { server.clientCloses == 1 }
    await client.shutdown()
  }

  @Test("watches take no request's connection: 20 watches are open and a request is answered")
  func pools() async throws {
    let server = try ScriptedServer { _, request in
      request.line.contains("watch=true")
        ? [ScriptedServer.watchHead, .awaitClose] : [ScriptedServer.answer("200 OK", Self.object("a", 1))]
    }
    let client = try server.client()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<20 { group.addTask { for try await _ in client.watch(Widget.self) {} } }
      try await eventually { server.requests.count == 20 }
      _ = try await client.get(Widget.self, ObjectKey(namespace: "n", name: "a"))
      group.cancelAll()
      while let _ = await group.nextResult() {}
    }
    try await eventually { server.clientCloses == 20 }
    await client.shutdown()
  }
}
