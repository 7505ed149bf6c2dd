import Foundation
import Glibc
import Synchronization

/// Passes bytes to and from a real server, and cuts each connection after as many bytes of answers as a test says.
final class CuttingProxy: Sendable {
  let port: Int
  private let descriptor: CInt
  private let cuts = Mutex(0)

  /// Listens on 127.0.0.`host`. `budget` gives for each connection how many bytes from the server pass before the cut; nil never cuts.
  init(to upstream: Int, host: UInt8 = 1, budget: @escaping @Sendable () -> Int?) throws {
    (descriptor, port) = try Sockets.listen(host: host)
    let descriptor = descriptor
    Thread.detachNewThread { [weak self] in
      while true {
        let connection = accept(descriptor, nil, nil)
        guard connection >= 0 else { return }
        self?.pass(connection, upstream, budget())
      }
    }
  }

  deinit {
    Sockets.end(descriptor)
    close(descriptor)
  }

  /// How many connections were cut.
  var cutConnections: Int { cuts.withLock { $0 } }

  private func pass(_ connection: CInt, _ upstream: Int, _ budget: Int?) {
    guard let server = try? Sockets.connect(port: upstream) else {
      close(connection)
      return
    }
    // Each direction has its thread; the last one to end closes both sockets.
    let open = Counter(2)
    let finish: @Sendable () -> Void = {
      Sockets.end(connection)
      Sockets.end(server)
      if open.decrement() == 0 {
        close(connection)
        close(server)
      }
    }
    Thread.detachNewThread {
      while true {
        let bytes = Sockets.read(connection)
        guard !bytes.isEmpty, Sockets.write(server, bytes) else { break }
      }
      finish()
    }
    Thread.detachNewThread { [weak self] in
      var left = budget ?? .max
      while true {
        let bytes = Sockets.read(server)
        guard !bytes.isEmpty, Sockets.write(connection, bytes.prefix(left)) else { break }
        left -= min(left, bytes.count)
        if left == 0 {
          self?.cuts.withLock { $0 += 1 }
          break
        }
      }
      finish()
    }
  }

  private final class Counter: Sendable {
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
