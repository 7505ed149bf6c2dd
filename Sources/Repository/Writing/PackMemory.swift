import NIOCore
import Synchronization

/// Memory of data packs, used again: getting 16 MiB from the system for each pack costs a quarter of the time that filling it
/// takes, and growing into it leaves holes.
final class PackMemory: Sendable {
  /// One: the next pack takes it. More would stay for nothing when uploads are slow.
  private static let kept = 1

  private let size: Int
  private let idle = Mutex<[ByteBuffer]>([])

  init(size: Int) { self.size = size }

  /// Empty, with room for a pack.
  func take() -> ByteBuffer {
    idle.withLock { $0.popLast() } ?? ByteBufferAllocator().buffer(capacity: size)
  }

  /// Takes back what nobody reads any more. Where a store still holds on to it, it gets new memory on its next use.
  func giveBack(_ memory: ByteBuffer) {
    guard memory.capacity <= 2 * size else { return }
    idle.withLock { idle in
      if idle.count < Self.kept { idle.append(memory) }
    }
  }
}
