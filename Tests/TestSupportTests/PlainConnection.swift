import Glibc
import NIOPosix
import Synchronization
import TestSupport

/// A blocking socket to 127.0.0.1, on threads of its own: what a client sees, byte by byte.
final class PlainConnection: Sendable {
  enum Ending: Equatable {
    /// As much as was asked for came.
    case enough
    case closed
    case reset
    /// Nothing more came in time.
    case silent
  }

  private let descriptor: Int32
  /// The kernel tells of a reset once: who learns it when sending reads a plain end of the stream afterwards.
  private let resetSeen = Atomic<Bool>(false)

  private init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// nil: refused.
  static func open(port: Int) async throws -> PlainConnection? {
    try await NIOThreadPool.singleton.runIfActive {
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = in_port_t(port).bigEndian
      address.sin_addr.s_addr = inet_addr("127.0.0.1")
      let result = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      guard result == 0 else {
        close(descriptor)
        return nil
      }
      return PlainConnection(descriptor: descriptor)
    }
  }

  func send(_ text: String) async throws {
    try await NIOThreadPool.singleton.runIfActive {
      let bytes = Array(text.utf8)
      let sent = Glibc.send(self.descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
      if sent < 0 { self.resetSeen.store(true, ordering: .relaxed) }
    }
  }

  /// Reads `limit` bytes, or until it ends, or until nothing comes for so long.
  func receive(_ limit: Int = .max, silence milliseconds: Int = 10_000) async throws -> (bytes: [UInt8], Ending) {
    try await NIOThreadPool.singleton.runIfActive {
      let descriptor = self.descriptor
      var bytes: [UInt8] = []
      var piece = [UInt8](repeating: 0, count: 65536)
      while bytes.count < limit {
        var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&ready, 1, Int32(milliseconds)) > 0 else { return (bytes, .silent) }
        let count = recv(descriptor, &piece, min(piece.count, limit - bytes.count), 0)
        if count == 0 { return (bytes, self.resetSeen.load(ordering: .relaxed) ? .reset : .closed) }
        if count < 0 { return (bytes, .reset) }
        bytes += piece[..<count]
      }
      return (bytes, .enough)
    }
  }
}
