import KubeClient
import KubeModel
import KubeRuntime
import Logging
import Synchronization
import TestSupport
import Testing

/// What a scripted API server is to answer, in order.
private enum Answer: Sendable {
  case page(ResourceList<ConfigMap>)
  case refuseList(KubeError)
  case watch([WatchEvent<ConfigMap>], end: End)
  case refuseWatch(KubeError)

  enum End: Sendable {
    case closed
    case broken(KubeError)
    /// Stays open and silent.
    case never
  }
}

/// A script and the requests that came.
private final class Script: Sendable {
  private let answers: Mutex<[Answer]>
  private let asked = Mutex<[String]>([])

  init(_ answers: [Answer]) { self.answers = Mutex(answers) }

  var requests: [String] { asked.withLock { $0 } }

  var source: ResourceSource<ConfigMap> {
    ResourceSource(
      list: { request in
        self.note("list \(request.limit.map { "\($0)" } ?? "all") \(request.continueToken ?? "-")")
        switch self.next() {
        case .page(let page): return page
        case .refuseList(let error): throw error
        default: throw KubeError.invalidRequest("the script has no list here")
        }
      },
      watch: { request in
        self.note("watch \(request.resourceVersion)")
        switch self.next() {
        case .watch(let events, let end): return Self.stream(events, end)
        case .refuseWatch(let error): throw error
        default: return Self.stream([], .never)
        }
      })
  }

  private func note(_ request: String) { asked.withLock { $0.append(request) } }

  private func next() -> Answer? { answers.withLock { $0.isEmpty ? nil : $0.removeFirst() } }

  private static func stream(
    _ events: [WatchEvent<ConfigMap>], _ end: Answer.End
  ) -> AsyncThrowingStream<WatchEvent<ConfigMap>, any Error> {
    AsyncThrowingStream(bufferingPolicy: .bufferingOldest(events.count)) { continuation in
      for event in events { continuation.yield(event) }
      switch end {
      case .closed: continuation.finish()
      case .broken(let error): continuation.finish(throwing: error)
      case .never: break
      }
    }
  }
}

@Suite("reflector: against a script")
struct ReflectorTests {
  private func map(_ name: String, _ version: Int) -> ConfigMap {
    var metadata = ObjectMeta(name: name, namespace: "a")
    metadata.resourceVersion = "\(version)"
    metadata.uid = name
    return ConfigMap(metadata: metadata)
  }

  private func page(_ version: Int, _ items: [ConfigMap], token: String? = nil, bad: [UndecodableObject] = []) -> Answer
  {
    .page(
      ResourceList(
        metadata: ListMeta(resourceVersion: "\(version)", continueToken: token), items: items, undecodable: bad))
  }

  private static func status(_ code: Int) -> KubeStatus { KubeStatus(code: code, reason: .forCode(code)) }

  /// Runs a script until its last request was made, turning the clock through all pauses.
  private func run(_ answers: [Answer]) async -> (Store<ConfigMap>, Script, [String]) {
    let script = Script(answers)
    let store = Store<ConfigMap>()
    let told = Shared<[String]>([])
    store.onChange { change in
      let word =
        switch change {
        case .added(let object): "+\(object.key.name)"
        case .updated(_, let object): "\(object.key.name)@\(object.metadata.resourceVersion ?? "")"
        case .deleted(let object): "-\(object.key.name)"
        }
      told.withLock { $0.append(word) }
    }
    let clock = ManualClock()
    let reflector = Reflector(
      source: script.source, store: store, namespace: nil, configuration: ReflectorConfiguration(),
      clock: clock.runtime, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    let running = Task { try await reflector.run() }
    let isDone = await soon {
      // Pauses are at most 30 s; a silent watch is left alone for longer than that.
      if script.requests.count <= answers.count, clock.sleeperCount > 0 { clock.advance(by: .seconds(2)) }
      return script.requests.count > answers.count
    }
    #expect(isDone, "the script was not played to its end: \(script.requests)")
    running.cancel()
    _ = await running.result
    return (store, script, told.value)
  }

  @Test("pages are taken in as they come, and the watch goes on from the list's version")
  func pages() async {
    let (store, script, told) = await run([
      page(5, [map("x", 1)], token: "t"), page(5, [map("y", 2)]),
      .watch([.modified(map("x", 6)), .bookmark(resourceVersion: "9"), .deleted(map("y", 10))], end: .closed),
    ])
    #expect(script.requests == ["list 500 -", "list 500 t", "watch 5", "watch 10"])
    #expect(told == ["+x", "+y", "x@6", "-y"])
    #expect(store.hasSynced)
  }

  @Test("410 within a watch, or as the answer to one, has everything listed anew; what vanished is deleted")
  func expired() async {
    let (store, script, told) = await run([
      page(5, [map("x", 1), map("y", 2)]), .watch([.error(Self.status(410))], end: .never),
      page(20, [map("y", 12), map("z", 13)]), .refuseWatch(.status(Self.status(410))), page(30, [map("z", 13)]),
    ])
    #expect(script.requests == ["list 500 -", "watch 5", "list 500 -", "watch 20", "list 500 -", "watch 30"])
    #expect(Set(told) == ["+x", "+y", "y@12", "+z", "-x", "-y"])
    #expect(store.snapshot.keys.map(\.name) == ["z"])
  }

  @Test("429, a refused and a broken connection have the watch tried again from where it was, without a list")
  func retries() async {
    let refused = KubeError.transport(
      KubeTransportFailure(code: .connectionRefused, stage: .connecting, operation: "watch", server: "s", detail: ""))
    let broken = KubeError.transport(
      KubeTransportFailure(code: .connectionClosed, stage: .readingAnswer, operation: "watch", server: "s", detail: ""))
    let (_, script, told) = await run([
      page(5, []), .refuseWatch(.status(Self.status(429))), .refuseWatch(refused),
      .watch([.added(map("x", 7))], end: .broken(broken)), .refuseWatch(refused),
      .watch([.error(Self.status(429))], end: .never),
    ])
    #expect(script.requests == ["list 500 -", "watch 5", "watch 5", "watch 5", "watch 7", "watch 7", "watch 7"])
    #expect(told == ["+x"])
  }

  @Test("a token that expires in the middle of a list starts it over, and nothing is deleted that is there")
  func expiredToken() async {
    let gone = KubeError.status(Self.status(410))
    let (_, script, told) = await run([
      page(5, [map("x", 1), map("old", 2)]), .watch([.error(Self.status(410))], end: .never),
      page(20, [map("x", 1)], token: "t"), .refuseList(gone), page(30, [map("x", 1)], token: "u"), .refuseList(gone),
      page(40, [map("x", 1), map("y", 35)]),
    ])
    #expect(
      script.requests == [
        "list 500 -", "watch 5", "list 500 -", "list 500 t", "list 500 -", "list 500 u", "list all -", "watch 40",
      ])
    #expect(told.sorted() == ["+old", "+x", "+y", "-old"])
  }

  @Test("an undecodable object blocks nobody, and its last good state stays")
  func undecodable() async {
    func bad(_ name: String, _ version: String) -> UndecodableObject {
      UndecodableObject(kind: "ConfigMap", namespace: "a", name: name, resourceVersion: version, reason: "broken")
    }
    let (store, script, told) = await run([
      page(5, [map("x", 1), map("y", 2)]),
      .watch([.undecodable(bad("x", "6"), .modified), .added(map("z", 7)), .error(Self.status(410))], end: .never),
      page(20, [map("z", 7)], bad: [bad("x", "6"), bad("w", "8")]),
      .watch([.undecodable(bad("x", "21"), .deleted)], end: .closed),
    ])
    #expect(script.requests.last == "watch 21")
    #expect(told == ["+x", "+y", "+z", "-y", "-x"] || told == ["+y", "+x", "+z", "-y", "-x"])
    #expect(store.snapshot.keys.map(\.name) == ["z"])
  }

  @Test("a watch that the server forgets to end is ended here, and goes on from where it was")
  func overdue() async {
    let script = Script([page(5, []), .watch([.added(map("x", 7))], end: .never)])
    let clock = ManualClock()
    let store = Store<ConfigMap>()
    let reflector = Reflector(
      source: script.source, store: store, namespace: nil, configuration: ReflectorConfiguration(),
      clock: clock.runtime, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    let running = Task { try await reflector.run() }
    #expect(await soon { store.count == 1 && clock.sleeperCount == 1 })
    clock.advance(by: .seconds(329))
    #expect(clock.sleeperCount >= 0)
    clock.advance(by: .seconds(302))
    #expect(await soon { clock.sleeperCount == 1 })
    clock.advance(by: .seconds(2))
    #expect(await soon { script.requests == ["list 500 -", "watch 5", "watch 7"] })
    running.cancel()
    _ = await running.result
  }
}
