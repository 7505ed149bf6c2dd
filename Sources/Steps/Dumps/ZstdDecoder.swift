import CZstd
import NIOCore

/// Zstandard, as RFC 8878 has it: one frame or several in a row. Checksums are verified where there are any.
///
/// Memory: the frame's window, 128 MiB at most; a frame that was made with a longer one is refused.
final class ZstdDecoder: DumpDecoder {
  private let context: OpaquePointer
  /// What the last call asked for; 0 at the end of a frame.
  private var pending = 1

  init() throws {
    guard let context = ZSTD_createDCtx() else {
      throw StepError(code: .system, message: "zstd does not start: there is no memory")
    }
    self.context = context
  }

  deinit { ZSTD_freeDCtx(context) }

  func decode(_ input: inout ByteBuffer) throws -> ByteBuffer {
    var output = ByteBuffer()
    // What does not fit a piece is kept inside, and comes also where there is no more input.
    repeat {
      let before = input.readableBytes
      try step(&input, into: &output)
      if output.readableBytes == 0, input.readableBytes == before { break }
    } while output.readableBytes == 0 && input.readableBytes > 0
    return output
  }

  func finish() throws {
    guard pending == 0 else { throw Self.damaged("its end is missing") }
  }

  private func step(_ input: inout ByteBuffer, into output: inout ByteBuffer) throws {
    if pending == 0, input.readableBytes == 0 { return }
    var result = 0
    output.writeWithUnsafeMutableBytes(minimumWritableBytes: decodedPieceSize) { target in
      var out = ZSTD_outBuffer(dst: target.baseAddress, size: decodedPieceSize, pos: 0)
      input.readWithUnsafeReadableBytes { source in
        var read = ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: 0)
        result = ZSTD_decompressStream(context, &out, &read)
        return read.pos
      }
      return out.pos
    }
    guard ZSTD_isError(result) == 0 else {
      if ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge {
        throw StepError(
          code: .dumpRefused,
          message: "the dump was compressed with a window of more than 128 MiB; compress it without --long or --ultra")
      }
      throw Self.damaged(String(cString: ZSTD_getErrorName(result)))
    }
    pending = result
  }

  private static func damaged(_ why: String) -> StepError {
    StepError(code: .dumpDamaged, message: "the zstd data of the dump are damaged: \(why); make or copy the dump anew")
  }
}
