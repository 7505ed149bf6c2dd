import KubeClient
import KubeModel
import KubeRuntime
import Logging
import TestSupport
import Testing

@Suite("events: the recorder")
struct EventRecorderTests {
  private let object = ObjectReference(apiVersion: "v1", kind: "ConfigMap", namespace: "a", name: "x", uid: "u")

  private func recorder(_ sink: EventSink, limit: Int = 1000, clock: ManualClock = ManualClock()) -> EventRecorder {
    EventRecorder(
      sink: sink, component: "test", queueLimit: limit, shutdownGrace: .seconds(5), clock: clock.runtime,
      logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
  }

  @Test("recording never blocks: what does not fit the queue is dropped")
  func bounded() {
    let recorder = recorder(EventSink(create: { _ in }, update: { _ in }), limit: 10)
    for index in 0..<1000 { recorder.record(.normal, "R\(index)", "m", about: object) }
    #expect(recorder.waiting == 10)
  }

  @Test("events are sent in the order in which they were recorded; repeated ones as updates")
  func order() async {
    let sent = Shared<[String]>([])
    let sink = EventSink(
      create: { event in sent.withLock { $0.append("create \(event.reason ?? "")") } },
      update: { event in sent.withLock { $0.append("update \(event.reason ?? "") \(event.count ?? 0)") } })
    let recorder = recorder(sink)
    let running = Task { try await recorder.run() }
    for reason in ["A", "B", "A", "C", "A"] { recorder.record(.normal, reason, "m", about: object) }
    #expect(await soon { recorder.waiting == 0 })
    #expect(sent.value == ["create A", "create B", "update A 2", "create C", "update A 3"])
    running.cancel()
    _ = await running.result
  }

  @Test("an event whose server is away is tried again; one that is refused holds up nobody")
  func retries() async {
    let clock = ManualClock()
    let tries = Shared<[String: Int]>([:])
    let sink = EventSink(
      create: { event in
        let reason = event.reason ?? ""
        let count = tries.withLock { tries in
          tries[reason, default: 0] += 1
          return tries[reason] ?? 0
        }
        if reason == "Away", count < 3 {
          throw KubeError.status(KubeStatus(code: 503, reason: .serviceUnavailable))
        }
        if reason == "Refused" { throw KubeError.status(KubeStatus(code: 403, reason: .forbidden)) }
      }, update: { _ in })
    let recorder = recorder(sink, clock: clock)
    let running = Task { try await recorder.run() }
    for reason in ["Away", "Refused", "Fine"] { recorder.record(.warning, reason, "m", about: object) }
    #expect(
      await soon {
        if clock.sleeperCount > 0 { clock.advance(by: .seconds(1)) }
        return recorder.waiting == 0
      })
    #expect(tries.value == ["Away": 3, "Refused": 1, "Fine": 1])
    running.cancel()
    _ = await running.result
  }

  @Test("an event that the server has deleted is created again when it repeats")
  func deletedMeanwhile() async {
    let created = Shared<[Int]>([])
    let sink = EventSink(
      create: { event in created.withLock { $0.append(event.count ?? 0) } },
      update: { _ in throw KubeError.status(KubeStatus(code: 404, reason: .notFound)) })
    let recorder = recorder(sink)
    let running = Task { try await recorder.run() }
    for _ in 0..<3 { recorder.record(.normal, "R", "m", about: object) }
    #expect(await soon { recorder.waiting == 0 })
    #expect(created.value == [1, 2, 3])
    running.cancel()
    _ = await running.result
  }
}
