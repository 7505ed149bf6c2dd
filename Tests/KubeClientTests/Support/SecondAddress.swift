import Foundation
import Glibc
import Synchronization

/// Passes bytes from 127.0.0.2 to a server on 127.0.0.1 and back: an address that the server's certificate lacks.
final class SecondAddress: Sendable {
  let host = "127.0.0.2"
  let port: Int
  private let descriptor: CInt

  init(of upstream: Int) throws {
    (descriptor, port) = try Sockets.listen(host: 2)
    Sockets.accept(on: descriptor) { Self.pass($0, upstream) }
  }

  deinit { Sockets.end(descriptor) }

  private static func pass(_ connection: CInt, _ upstream: Int) {
    guard let server = try? Sockets.connect(port: upstream) else {
      close(connection)
      return
    }
    // Each direction has its thread; the last one to end closes both sockets.
    let open = Remaining(2)
    for (source, sink) in [(connection, server), (server, connection)] {
      Thread.detachNewThread {
        while true {
          let bytes = Sockets.read(source)
          guard !bytes.isEmpty, Sockets.write(sink, bytes) else { break }
        }
        Sockets.end(connection)
        Sockets.end(server)
        guard open.decrement() == 0 else { return }
        close(connection)
        close(server)
      }
    }
  }

  private final class Remaining: Sendable {
    private let value: Mutex<Int>

    init(_ value: Int) { self.value = Mutex(value) }

    func decrement() -> Int {
      value.withLock {
        $0 -= 1
        return $0
      }
    }
  }
}
