import Glibc
import NIOCore
import Synchronization

/// A file that is being restored, some of its blobs possibly written.
final class RestoreFile: Sendable {
  /// Zeros are left out in aligned blocks of this size: smaller holes would cost more than they save.
  private static let hole: Int64 = 64 << 10

  let path: ByteString
  let attributes: NodeAttributes
  let size: Int64
  private let isWhole: Bool
  private let missing: Mutex<Int>

  init(path: ByteString, attributes: NodeAttributes, size: Int64, blobs: Int) {
    self.path = path
    self.attributes = attributes
    self.size = size
    isWhole = blobs == 1
    missing = Mutex(blobs)
  }

  /// Notes that `count` blobs are written; true when those were the last.
  func note(written count: Int) -> Bool {
    missing.withLock { missing in
      missing -= count
      return missing == 0
    }
  }

  /// Gives the file its length, so that what is never written is a hole.
  func setLength(_ descriptor: FileDescriptor) throws {
    guard !isWhole || size >= Self.hole else { return }
    guard ftruncate(descriptor.number, Int(size)) == 0 else { throw RepositoryError.fileSystem("set length", path) }
  }

  /// Writes `blob` at `offset`, but for aligned blocks of zeros.
  func write(_ blob: ByteBuffer, at offset: Int64, to descriptor: FileDescriptor) throws {
    guard offset + Int64(blob.readableBytes) <= size else {
      throw RepositoryError(
        .corrupted, "the blobs of '\(path)' are longer than the \(size) bytes that the tree says it has")
    }
    try blob.withUnsafeReadableBytes { bytes in
      var start = 0
      var position = 0
      while position < bytes.count {
        let place = offset + Int64(position)
        let end = position + Int(min(Self.hole - place % Self.hole, Int64(bytes.count - position)))
        if end - position == Self.hole, isZero(bytes, position, end) {
          try write(bytes, start, position, offset, descriptor)
          start = end
        }
        position = end
      }
      try write(bytes, start, bytes.count, offset, descriptor)
    }
  }

  private func isZero(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Bool {
    guard bytes[start] == 0, let base = bytes.baseAddress else { return false }
    // All are zero when the first is, and each equals its successor.
    return memcmp(base + start, base + start + 1, end - start - 1) == 0
  }

  private func write(
    _ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int, _ offset: Int64, _ descriptor: FileDescriptor
  ) throws {
    var position = start
    while position < end {
      let count = uninterrupted {
        pwrite(descriptor.number, bytes.baseAddress?.advanced(by: position), end - position, Int(offset) + position)
      }
      guard count > 0 else { throw RepositoryError.fileSystem("write", path) }
      position += count
    }
  }
}
