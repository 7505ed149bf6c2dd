import Foundation
import Synchronization
import SystemPackage

/// The end of what a program writes to its standard error: 64 KiB, whatever it writes.
///
/// A thread of its own reads the pipe to its end, because a program must never wait for us to hear its complaints.
final class Complaints: Sendable {
  private static let limit = 64 << 10

  /// The end for the program; who starts it closes ours.
  let writeEnd: FileDescriptor
  private let kept = Mutex<[UInt8]>([])
  private let ended: AsyncStream<Void>

  init() throws {
    let pipe = try FileDescriptor.pipe()
    // Whatever else is started must not hold the pipe open.
    for end in [pipe.readEnd, pipe.writeEnd] { _ = fcntl(end.rawValue, F_SETFD, FD_CLOEXEC) }
    writeEnd = pipe.writeEnd
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
    ended = stream
    let readEnd = pipe.readEnd
    Thread.detachNewThread { [self] in
      read(readEnd)
      continuation.finish()
    }
  }

  /// Waits until nobody can write any more, and gives the end of what was written.
  func text() async -> String {
    for await _ in ended {}
    return String(decoding: kept.withLock { $0 }, as: UTF8.self)
  }

  private func read(_ descriptor: FileDescriptor) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 8192, alignment: 1)
    defer {
      buffer.deallocate()
      try? descriptor.close()
    }
    while let count = try? descriptor.read(into: buffer), count > 0 {
      kept.withLock { kept in
        kept.append(contentsOf: buffer[..<count])
        if kept.count > 2 * Self.limit { kept.removeFirst(kept.count - Self.limit) }
      }
    }
  }
}
