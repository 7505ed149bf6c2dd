import CLibpq
import Glibc
import NIOCore

extension LibpqSession {
  /// Runs a command that copies (START_REPLICATION, BASE_BACKUP) to its end, through `channel`.
  ///
  /// A command that fails at the server leaves the connection usable. An abandoned one is cancelled at the server,
  /// and its connection is given up: nothing goes on running there.
  func stream(_ command: String, into channel: CommandChannel, during operation: String) {
    do {
      let connection = try open()
      _ = takeNotices()
      guard PQsendQuery(connection, command) == 1 else { throw lostError }
      try flush()
      try pump(channel, during: operation)
      channel.finish()
    } catch {
      if error is Abandoned || (error as? PostgresError)?.code == .connectionClosed { abort() }
      channel.fail(error is Abandoned ? CancellationError() : error)
    }
  }

  /// The reader went away.
  private struct Abandoned: Error {}

  private func pump(_ channel: CommandChannel, during operation: String) throws {
    var failure: PostgresError?
    while let result = try awaitResult(channel) {
      defer { PQclear(result) }
      putNotices(channel)
      switch PQresultStatus(result) {
      case PGRES_TUPLES_OK, PGRES_COMMAND_OK: _ = channel.put([.result(SQLResult(result))], bytes: 0)
      case PGRES_COPY_OUT, PGRES_COPY_BOTH:
        _ = channel.put([.copyBegan], bytes: 0)
        try copy(channel, during: operation)
      case PGRES_COPY_IN:
        // The server has ended its half of a copy in both directions; this ends ours.
        guard PQputCopyEnd(try open(), nil) == 1 else { throw lostError }
        try flush()
      default: failure = failure ?? error(of: result, during: operation)
      }
    }
    putNotices(channel)
    if let failure { throw failure }
  }

  private func awaitResult(_ channel: CommandChannel) throws -> OpaquePointer? {
    let connection = try open()
    while PQisBusy(connection) == 1 {
      try refuseAbandoned(channel)
      _ = try wait(for: .read)
      if PQconsumeInput(connection) == 0 { break }
    }
    return PQgetResult(connection)
  }

  private func refuseAbandoned(_ channel: CommandChannel) throws {
    if case .abandon = channel.request { throw Abandoned() }
  }

  private func putNotices(_ channel: CommandChannel) {
    let notices = takeNotices()
    if !notices.isEmpty { _ = channel.put(notices.map { .notice($0) }, bytes: 0) }
  }

  /// Receives until the server ends its half, and sends what waits to be sent.
  private func copy(_ channel: CommandChannel, during operation: String) throws {
    let connection = try open()
    var copyEnded = false
    var room = true
    while true {
      try refuseAbandoned(channel)
      try send(channel, connection, &copyEnded)
      if room || channel.hasRoom {
        let gathered = gather(connection)
        putNotices(channel)
        room = channel.put(gathered.items, bytes: gathered.bytes)
        switch gathered.ending {
        case .none: break
        // libpq may hold the rest already: then the socket would never become readable again.
        case .bound where room: continue
        case .bound: break
        case .copyDone: return
        case .broken: throw lostError
        }
      }
      try waitForCopy(connection, mayRead: room)
    }
  }

  private func waitForCopy(_ connection: OpaquePointer, mayRead: Bool) throws {
    var events: Events = mayRead ? .read : []
    if PQflush(connection) > 0 { events.insert(.write) }
    guard try wait(for: events) == .ready, mayRead else { return }
    // A broken connection shows itself at the next message.
    _ = PQconsumeInput(connection)
  }

  private struct Gathered {
    enum Ending { case copyDone, broken, bound }
    var items: [CommandItem] = []
    var bytes = 0
    var ending: Ending?
  }

  private static let gatheredBytes = 256 << 10

  /// What can be had without waiting, up to 256 KiB or a little more: enough to make waking the reader cheap beside
  /// moving the bytes. libpq's message buffers are handed on as they are, without another copy.
  private func gather(_ connection: OpaquePointer) -> Gathered {
    var gathered = Gathered()
    while gathered.ending == nil {
      var message: UnsafeMutablePointer<CChar>?
      let count = Int(PQgetCopyData(connection, &message, 1))
      if count > 0, let message {
        gathered.items.append(.data(ByteBuffer(takingLibpq: message, count: count)))
        gathered.bytes += count
        if gathered.bytes >= Self.gatheredBytes { gathered.ending = .bound }
      } else if count == 0, PQstatus(connection) == CONNECTION_OK {
        guard isReadable else { return gathered }
        _ = PQconsumeInput(connection)
      } else {
        gathered.ending = count == -1 ? .copyDone : .broken
      }
    }
    return gathered
  }

  private func send(_ channel: CommandChannel, _ connection: OpaquePointer, _ copyEnded: inout Bool) throws {
    for (message, sender) in channel.takeOutgoing() {
      let taken = message.withUnsafeReadableBytes { bytes in
        PQputCopyData(connection, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(bytes.count))
      }
      if taken == 1 { sender.resume() } else { sender.resume(throwing: lostError) }
    }
    if case .endCopy = channel.request, !copyEnded {
      guard PQputCopyEnd(connection, nil) == 1 else { throw lostError }
      copyEnded = true
    }
    guard PQflush(connection) >= 0 else { throw lostError }
  }
}
