import CZlib
import NIOCore

/// gzip, as RFC 1952 has it: one member or several in a row, as `gzip` itself reads them. Checksums are verified.
final class GzipDecoder: DumpDecoder {
  private enum State { case betweenMembers, inMember, padding }

  private var stream = z_stream()
  private var state = State.betweenMembers
  private var members = 0
  /// Whether the last piece was full, so that zlib may hold more of what it has read.
  private var holdsMore = false

  init() throws {
    // 15 + 16: the largest window, and gzip's own header and trailer.
    let code = inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard code == Z_OK else { throw StepError(code: .system, message: "zlib does not start: error \(code)") }
  }

  deinit { inflateEnd(&stream) }

  func decode(_ input: inout ByteBuffer) throws -> ByteBuffer {
    var output = ByteBuffer()
    while output.readableBytes == 0, input.readableBytes > 0 || holdsMore {
      switch state {
      case .betweenMembers: try beginMember(&input)
      case .inMember: try inflate(&input, into: &output)
      case .padding: try passPadding(&input)
      }
    }
    return output
  }

  func finish() throws {
    guard state != .inMember, members > 0 else { throw Self.damaged("its end is missing") }
  }

  /// Zeros after a member are padding, as on tapes; anything else is another member.
  private func beginMember(_ input: inout ByteBuffer) throws {
    if members > 0, input.readableBytesView.first == 0 {
      state = .padding
      return
    }
    inflateReset(&stream)
    state = .inMember
  }

  private func passPadding(_ input: inout ByteBuffer) throws {
    guard input.readableBytesView.allSatisfy({ $0 == 0 }) else {
      throw Self.damaged("something follows its end that is not gzip")
    }
    input.moveReaderIndex(to: input.writerIndex)
  }

  private func inflate(_ input: inout ByteBuffer, into output: inout ByteBuffer) throws {
    var code = Z_OK
    output.writeWithUnsafeMutableBytes(minimumWritableBytes: decodedPieceSize) { target in
      input.readWithUnsafeMutableReadableBytes { source in
        stream.next_in = source.bindMemory(to: UInt8.self).baseAddress
        stream.avail_in = UInt32(clamping: source.count)
        stream.next_out = target.bindMemory(to: UInt8.self).baseAddress
        stream.avail_out = UInt32(decodedPieceSize)
        let offered = Int(stream.avail_in)
        code = CZlib.inflate(&stream, Z_NO_FLUSH)
        return offered - Int(stream.avail_in)
      }
      return decodedPieceSize - Int(stream.avail_out)
    }
    holdsMore = stream.avail_out == 0 && code == Z_OK
    switch code {
    case Z_OK, Z_BUF_ERROR: break
    case Z_STREAM_END: (state, members) = (.betweenMembers, members + 1)
    default: throw Self.damaged(stream.msg.map { String(cString: $0) } ?? "zlib's error \(code)")
    }
  }

  private static func damaged(_ why: String) -> StepError {
    StepError(code: .dumpDamaged, message: "the gzip data of the dump are damaged: \(why); make or copy the dump anew")
  }
}
