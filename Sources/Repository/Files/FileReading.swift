import NIOCore
import Synchronization

/// A file being read piece by piece, by one caller at a time. All of it blocks, and belongs on a thread.
final class FileReading: Sendable {
  private struct State {
    var cutter: PieceCutter
    var offset: Int64 = 0
  }

  private let file: LocalFile
  private let state: Mutex<State>

  init(file: LocalFile, cutter: PieceCutter) {
    self.file = file
    state = Mutex(State(cutter: cutter))
  }

  /// Bytes that were read until now.
  var offset: Int64 { state.withLock { $0.offset } }

  /// The next piece, or nil at the end of the file.
  func next() throws -> ByteBuffer? {
    try state.withLock { state in
      while true {
        if let piece = state.cutter.next() { return piece }
        let length = try file.read(LocalFile.portion, at: state.offset, into: &state.cutter.pending)
        state.offset += Int64(length)
        if length == 0 { return state.cutter.rest() }
      }
    }
  }
}
