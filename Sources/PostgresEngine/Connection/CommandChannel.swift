package import NIOCore
import Synchronization

/// One thing that a streaming command brings, in the order in which the server sent it.
package enum CommandItem: Sendable {
  /// A result with its rows.
  case result(SQLResult)
  /// The server begins to copy: what follows is data, until the next item of another kind.
  case copyBegan
  /// One CopyData message.
  case data(ByteBuffer)
  /// A notice or warning.
  case notice(ServerReport)
}

/// Where a connection's thread and the task that reads a streaming command meet.
///
/// The thread puts items in until `limit` bytes lie unread, then stops reading from the socket, and so stops the
/// server. One task takes them out, all at once. What goes to the server waits for the thread one message a sender.
final class CommandChannel: Sendable {
  /// What the reader asked of the thread.
  enum Request: Sendable { case goOn, endCopy, abandon }

  private enum Ending { case open, finished, failed(any Error) }

  private struct Outgoing {
    let message: ByteBuffer
    let sender: CheckedContinuation<Void, any Error>
  }

  private struct State {
    var items: [CommandItem] = []
    var bytes = 0
    var ending = Ending.open
    var reader: CheckedContinuation<[CommandItem], any Error>?
    var outgoing: [Outgoing] = []
    var request = Request.goOn
    var threadWaitsForRoom = false
  }

  private let state = Mutex(State())
  private let wake: WakePipe
  private let limit: Int

  init(limit: Int, wake: WakePipe) { (self.limit, self.wake) = (limit, wake) }

  // MARK: The reader's side

  /// Everything that arrived since the last call, at least one item; empty when the command has ended.
  func next() async throws -> [CommandItem] {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let (answer, room) = state.withLock { state -> (Result<[CommandItem], any Error>?, Bool) in
          if Task.isCancelled { return (.failure(CancellationError()), false) }
          if !state.items.isEmpty { return (.success(Self.take(&state)), Self.roomWasAwaited(&state)) }
          switch state.ending {
          case .finished: return (.success([]), false)
          case .failed(let error): return (.failure(error), false)
          case .open:
            precondition(state.reader == nil, "a streaming command is read by one task at a time")
            state.reader = continuation
            return (nil, Self.roomWasAwaited(&state))
          }
        }
        if room { wake.signal() }
        if let answer { continuation.resume(with: answer) }
      }
    } onCancel: {
      let reader = state.withLock { state in
        defer { state.reader = nil }
        return state.reader
      }
      reader?.resume(throwing: CancellationError())
    }
  }

  /// Hands one CopyData message to the connection; returns when libpq has taken it, or when the command has ended:
  /// then there is nobody left to hear it.
  func send(_ message: ByteBuffer) async throws {
    try await withCheckedThrowingContinuation { (sender: CheckedContinuation<Void, any Error>) in
      let answer = state.withLock { state -> Result<Void, any Error>? in
        switch state.ending {
        case .finished: return .success(())
        case .failed(let error): return .failure(error)
        case .open:
          state.outgoing.append(Outgoing(message: message, sender: sender))
          return nil
        }
      }
      if let answer { sender.resume(with: answer) } else { wake.signal() }
    }
  }

  /// Asks the thread to end the copy in good order (`endCopy`), or to give the connection up (`abandon`).
  func ask(_ request: Request) {
    state.withLock { state in
      if case .abandon = state.request { return }
      state.request = request
    }
    wake.signal()
  }

  private static func take(_ state: inout State) -> [CommandItem] {
    defer { (state.items, state.bytes) = ([], 0) }
    return state.items
  }

  private static func roomWasAwaited(_ state: inout State) -> Bool {
    defer { state.threadWaitsForRoom = false }
    return state.threadWaitsForRoom
  }

  // MARK: The thread's side

  /// What the reader last asked for.
  var request: Request { state.withLock { $0.request } }

  /// Puts items in. Returns whether more may follow; when not, the thread is signalled once there is room.
  func put(_ items: [CommandItem], bytes: Int) -> Bool {
    let (reader, batch, room) = state.withLock { state in
      state.items.append(contentsOf: items)
      state.bytes += bytes
      guard let reader = state.reader, !state.items.isEmpty else {
        state.threadWaitsForRoom = state.bytes >= limit
        return (nil as CheckedContinuation<[CommandItem], any Error>?, [CommandItem](), !state.threadWaitsForRoom)
      }
      state.reader = nil
      return (reader, Self.take(&state), true)
    }
    reader?.resume(returning: batch)
    return room
  }

  /// Whether items may be put in.
  var hasRoom: Bool { state.withLock { $0.bytes < limit } }

  /// Takes the messages that wait to be sent, and who waits for them.
  func takeOutgoing() -> [(message: ByteBuffer, sender: CheckedContinuation<Void, any Error>)] {
    state.withLock { state in
      defer { state.outgoing.removeAll() }
      return state.outgoing.map { ($0.message, $0.sender) }
    }
  }

  /// The command has ended well.
  func finish() { end(.finished) }

  /// The command failed.
  func fail(_ error: any Error) { end(.failed(error)) }

  private func end(_ ending: Ending) {
    let (reader, batch, senders) = state.withLock { state in
      guard case .open = state.ending else {
        return (nil as CheckedContinuation<[CommandItem], any Error>?, [CommandItem](), [Outgoing]())
      }
      state.ending = ending
      defer { (state.reader, state.outgoing) = (nil, []) }
      return (state.reader, state.reader == nil ? [] : Self.take(&state), state.outgoing)
    }
    for waiting in senders {
      if case .failed(let error) = ending { waiting.sender.resume(throwing: error) } else { waiting.sender.resume() }
    }
    guard let reader else { return }
    if batch.isEmpty, case .failed(let error) = ending {
      reader.resume(throwing: error)
    } else {
      reader.resume(returning: batch)
    }
  }
}
