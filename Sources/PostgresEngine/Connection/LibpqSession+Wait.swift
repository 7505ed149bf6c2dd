import CLibpq
import Glibc
import Synchronization

extension LibpqSession {
  /// What to wait for at the socket.
  struct Events: OptionSet {
    let rawValue: Int16
    static let read = Events(rawValue: Int16(POLLIN))
    static let write = Events(rawValue: Int16(POLLOUT))
  }

  /// What ended a wait.
  enum Woken { case ready, signalled, timedOut }

  /// Waits for the socket, for a signal, or until `deadline`.
  ///
  /// Throws `CancellationError` when the operation under way was interrupted, and ``PostgresError`` with code
  /// `connectionClosed` when the connection is being closed. An interrupted operation leaves the connection in the
  /// middle of something: who throws past this must cancel it at the server or give the connection up.
  func wait(for events: Events, until deadline: ContinuousClock.Instant? = nil) throws -> Woken {
    while true {
      try checkInterrupted()
      let connection = try open()
      let timeout = deadline.map { milliseconds(until: $0) }
      // With TLS, bytes may lie decrypted in a buffer that poll() does not see: look again now and then.
      let tlsBound: Int32? = PQsslInUse(connection) == 1 && events.contains(.read) ? 50 : nil
      switch poll(PQsocket(connection), events, timeout: least(timeout, tlsBound)) {
      case .ready: return .ready
      case .signalled:
        try checkInterrupted()
        return .signalled
      case .timedOut:
        if let timeout, timeout <= 0 { return .timedOut }
        if tlsBound != nil { return .ready }
      }
    }
  }

  /// Whether bytes wait at the socket right now.
  var isReadable: Bool {
    guard let connection else { return false }
    var descriptor = pollfd(fd: PQsocket(connection), events: Int16(POLLIN), revents: 0)
    return Glibc.poll(&descriptor, 1, 0) > 0
  }

  func checkInterrupted() throws {
    if closing.load(ordering: .acquiring) { throw Self.closedError }
    if let interruption, interruption.isSet.load(ordering: .acquiring) { throw CancellationError() }
  }

  private func poll(_ socket: Int32, _ events: Events, timeout: Int32) -> Woken {
    var descriptors = [
      pollfd(fd: socket, events: events.rawValue, revents: 0),
      pollfd(fd: wake.readEnd, events: Int16(POLLIN), revents: 0),
    ]
    let count = Glibc.poll(&descriptors, 2, timeout)
    if count == 0 { return .timedOut }
    guard descriptors[1].revents == 0 else {
      wake.drain()
      return .signalled
    }
    return count > 0 ? .ready : .signalled
  }

  private func milliseconds(until deadline: ContinuousClock.Instant) -> Int32 {
    let left = ContinuousClock.now.duration(to: deadline) / .milliseconds(1)
    return Int32(max(0, min(left.rounded(.up), 3_600_000)))
  }

  private func least(_ left: Int32?, _ right: Int32?) -> Int32 {
    switch (left, right) {
    case (let left?, let right?): min(left, right)
    default: left ?? right ?? -1
    }
  }
}
