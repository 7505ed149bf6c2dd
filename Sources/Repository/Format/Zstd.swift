import CZstd
public import NIOCore
import Synchronization

/// Zstandard frames, with compression contexts that are used again.
public enum Zstd {
  /// The level that repositories and the WAL archive use unless told otherwise.
  public static let defaultLevel = 1

  /// One frame that holds the readable bytes of `plaintext` and says how many they are.
  public static func compress(_ plaintext: ByteBuffer, level: Int = defaultLevel) throws -> ByteBuffer {
    let bound = compressBound(plaintext.readableBytes)
    var frame = ByteBufferAllocator().buffer(capacity: bound)
    _ = try plaintext.withUnsafeReadableBytes { source in
      try frame.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { target in
        try compress(source, into: target, level: level)
      }
    }
    return frame
  }

  /// The plaintext of all frames in `frames`; an error with the code `corrupted` when they are no Zstandard frames,
  /// are cut short, or hold more than `limit` bytes.
  public static func decompress(_ frames: ByteBuffer, limit: Int = 1 << 30) throws -> ByteBuffer {
    try frames.withUnsafeReadableBytes { source in
      let declared = ZSTD_getFrameContentSize(source.baseAddress, source.count)
      // The last two values mean 'unknown' and 'not a frame'.
      if declared < UInt64.max - 1, declared <= UInt64(limit),
        ZSTD_findFrameCompressedSize(source.baseAddress, source.count) == source.count
      {
        return try decompress(source, length: Int(declared))
      }
      return try decompressStream(source, limit: limit)
    }
  }

  /// Bytes that a frame of `count` bytes of plaintext can take at most.
  package static func compressBound(_ count: Int) -> Int { ZSTD_compressBound(count) }

  /// Writes one frame to `target`, which has room for `compressBound(source.count)` bytes, and says how long it is.
  package static func compress(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, level: Int
  ) throws -> Int {
    try compressors.withContext { context in
      try checked(
        ZSTD_compressCCtx(
          context.pointer, target.baseAddress, target.count, source.baseAddress, source.count, Int32(level)))
    }
  }

  /// Writes the plaintext of one or more frames, which must be `target.count` bytes exactly.
  package static func decompress(_ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) throws {
    let length = try decompressors.withContext { context in
      try checked(
        ZSTD_decompressDCtx(context.pointer, target.baseAddress, target.count, source.baseAddress, source.count))
    }
    guard length == target.count else {
      throw RepositoryError(
        .corrupted, "a Zstandard frame holds \(length) bytes where \(target.count) were expected")
    }
  }

  /// The plaintext of one or more frames, which must be `length` bytes exactly.
  package static func decompress(_ frames: ByteBuffer, length: Int) throws -> ByteBuffer {
    try frames.withUnsafeReadableBytes { try decompress($0, length: length) }
  }

  private static func decompress(_ source: UnsafeRawBufferPointer, length: Int) throws -> ByteBuffer {
    var plaintext = ByteBufferAllocator().buffer(capacity: max(1, length))
    try plaintext.writeWithUnsafeMutableBytes(minimumWritableBytes: max(1, length)) { target in
      try decompress(source, into: UnsafeMutableRawBufferPointer(rebasing: target[0..<length]))
      return length
    }
    return plaintext
  }

  private static func decompressStream(_ source: UnsafeRawBufferPointer, limit: Int) throws -> ByteBuffer {
    try decompressors.withContext { context in
      _ = ZSTD_DCtx_reset(context.pointer, ZSTD_reset_session_only)
      let step = ZSTD_DStreamOutSize()
      var plaintext = ByteBufferAllocator().buffer(capacity: max(step, 4 * source.count))
      var input = ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: 0)
      var pending = 1
      while true {
        let before = (input.pos, plaintext.readableBytes)
        try plaintext.writeWithUnsafeMutableBytes(minimumWritableBytes: step) { target in
          var output = ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
          pending = try checked(ZSTD_decompressStream(context.pointer, &output, &input))
          return output.pos
        }
        guard plaintext.readableBytes <= limit else {
          throw RepositoryError(.corrupted, "Zstandard frames hold more than the \(limit) bytes that are allowed here")
        }
        if input.pos == input.size, pending == 0 { return plaintext }
        guard before != (input.pos, plaintext.readableBytes) else {
          throw RepositoryError(.corrupted, "a Zstandard frame was cut short: its end is missing")
        }
      }
    }
  }

  private static func checked(_ result: Int) throws -> Int {
    guard ZSTD_isError(result) == 0 else {
      throw RepositoryError(
        .corrupted, "zstd: \(String(cString: ZSTD_getErrorName(result))); the bytes are not what was stored")
    }
    return result
  }

  private static let compressors = ContextPool<Compressor>()
  private static let decompressors = ContextPool<Decompressor>()
}

private protocol ZstdContext: AnyObject, Sendable {
  init()
}

private final class Compressor: ZstdContext, @unchecked Sendable {  // the pool hands it to one caller at a time
  let pointer = ZSTD_createCCtx()
  init() {}
  deinit { ZSTD_freeCCtx(pointer) }
}

private final class Decompressor: ZstdContext, @unchecked Sendable {  // the pool hands it to one caller at a time
  let pointer = ZSTD_createDCtx()
  init() {}
  deinit { ZSTD_freeDCtx(pointer) }
}

/// Contexts that are not in use; never more than there were callers at once.
private final class ContextPool<Context: ZstdContext>: Sendable {
  private let idle = Mutex<[Context]>([])

  func withContext<Result>(_ body: (Context) throws -> Result) rethrows -> Result {
    let context = idle.withLock { $0.popLast() } ?? Context()
    defer { idle.withLock { $0.append(context) } }
    return try body(context)
  }
}
