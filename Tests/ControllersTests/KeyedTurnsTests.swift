import Controllers
import KubeModel
import Synchronization
import Testing

@Suite("Turns of a key")
struct KeyedTurnsTests {
  private static let key = ObjectKey(namespace: "demo", name: "shop")

  private struct Refused: Error {}

  /// Counts who is inside.
  private final class Room: Sendable {
    private struct State {
      var inside = 0
      var most = 0
      var done = 0
    }

    private let state = Mutex(State())

    var most: Int { state.withLock { $0.most } }
    var done: Int { state.withLock { $0.done } }

    func visit() async {
      state.withLock {
        $0.inside += 1
        $0.most = max($0.most, $0.inside)
      }
      for _ in 0..<5 { await Task.yield() }
      state.withLock {
        $0.inside -= 1
        $0.done += 1
      }
    }
  }

  @Test("one at a time has a key, also after one that failed")
  func oneAtATime() async throws {
    let (turns, room) = (KeyedTurns(), Room())
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<50 {
        group.addTask { await Self.take(turns, room, failing: number % 3 == 0) }
      }
    }
    #expect(room.most == 1 && room.done == 50)
    #expect(try await turns.turn(Self.key) { 7 } == 7)
  }

  private static func take(_ turns: KeyedTurns, _ room: Room, failing: Bool) async {
    do {
      try await turns.turn(key) {
        await room.visit()
        if failing { throw Refused() }
      }
    } catch {
      #expect(error is Refused)
    }
  }

  @Test("another key waits for nobody")
  func anotherKey() async throws {
    let turns = KeyedTurns()
    let value = try await turns.turn(Self.key) {
      try await turns.turn(ObjectKey(namespace: "demo", name: "another")) { 7 }
    }
    #expect(value == 7)
  }
}
