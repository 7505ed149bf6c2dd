import Foundation
import Glibc
import Synchronization

/// Plain blocking sockets on threads of their own: what a test needs to misbehave on purpose.
enum Sockets {
  struct Failure: Error {
    let call: String
    let code = errno
  }

  /// Listens on a free port of 127.0.0.`host`.
  static func listen(host: UInt8 = 1) throws -> (descriptor: CInt, port: Int) {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw Failure(call: "socket") }
    var address = loopback(host: host, port: 0)
    let length = socklen_t(MemoryLayout<sockaddr_in>.size)
    try withUnsafeMutablePointer(to: &address) { pointer in
      try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        guard bind(descriptor, pointer, length) == 0, Glibc.listen(descriptor, 64) == 0 else {
          throw Failure(call: "listen")
        }
        var length = length
        guard getsockname(descriptor, pointer, &length) == 0 else { throw Failure(call: "getsockname") }
      }
    }
    return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
  }

  /// Passes each connection to `serve`, on a thread of its own, until `end` is called with the listening descriptor.
  ///
  /// That thread closes the descriptor, and no other may: by the next call of accept its number could be that of another
  /// server, whose connections would then be taken.
  static func accept(on descriptor: CInt, _ serve: @escaping @Sendable (CInt) -> Void) {
    Thread.detachNewThread {
      while true {
        let connection = Glibc.accept(descriptor, nil, nil)
        guard connection >= 0 else { break }
        serve(connection)
      }
      close(descriptor)
    }
  }

  /// Connects to a port of 127.0.0.1.
  static func connect(port: Int) throws -> CInt {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    var address = loopback(host: 1, port: port)
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else {
      close(descriptor)
      throw Failure(call: "connect")
    }
    return descriptor
  }

  /// The next bytes; empty at the end of the stream or after a reset.
  static func read(_ descriptor: CInt, limit: Int = 65_536) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: limit)
    let count = recv(descriptor, &buffer, limit, 0)
    return count > 0 ? Array(buffer[..<count]) : []
  }

  /// Writes all bytes; false where the other side is gone.
  @discardableResult
  static func write(_ descriptor: CInt, _ bytes: some Collection<UInt8>) -> Bool {
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  /// Ends a connection both ways without closing its descriptor, which another thread may be using.
  static func end(_ descriptor: CInt) { shutdown(descriptor, CInt(SHUT_RDWR)) }

  private static func loopback(host: UInt8, port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = (0x7F00_0000 | UInt32(host)).bigEndian
    return address
  }
}
