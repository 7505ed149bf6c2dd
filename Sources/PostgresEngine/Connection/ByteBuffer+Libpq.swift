import CLibpq
import Glibc
@_spi(CustomByteBufferAllocator) import NIOCore

extension ByteBuffer {
  /// Takes over a message that `PQgetCopyData` allocated. libpq allocates with `malloc`, and `PQfreemem` is `free`.
  init(takingLibpq message: UnsafeMutablePointer<CChar>, count: Int) {
    self.init(
      takingOwnershipOf: UnsafeMutableRawBufferPointer(start: message, count: count),
      allocator: ByteBufferAllocator())
  }
}
