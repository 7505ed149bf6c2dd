import CChecksum
package import NIOCore

/// Checks the pages of one relation file as they pass, in portions of any size.
///
/// As the server does while it sends (`src/backend/replication/basebackup.c`): a new page, whose `pd_upper` is 0, has
/// no checksum; and a page that was written after the backup began, whose LSN is at or past the backup's start, is
/// mended by the WAL in any case, and may be torn. Where the server verifies too (it does unless told not to), it has
/// read a page that looked torn a second time before sending it, so that what fails here is damage.
package struct PageVerifier {
  /// A page whose checksum is not the one in its header.
  package struct BadPage: Sendable, Equatable {
    /// The block within the file, from 0.
    package let block: UInt32
    package let expected: UInt16
    package let found: UInt16
  }

  private let startLSN: LSN
  private let firstBlock: UInt32
  private var block: UInt32 = 0
  private var partial = ByteBuffer()

  package init(firstBlock: UInt32, startLSN: LSN) {
    (self.firstBlock, self.startLSN) = (firstBlock, startLSN)
  }

  /// Takes the next bytes; returns the first bad page that they complete, if there is one.
  package mutating func check(_ bytes: ByteBuffer) -> BadPage? {
    bytes.withUnsafeReadableBytes { bytes in
      var rest = bytes[...]
      if partial.readableBytes > 0 {
        let missing = min(RelationFileName.blockSize - partial.readableBytes, rest.count)
        partial.writeBytes(rest.prefix(missing))
        rest = rest.dropFirst(missing)
        guard partial.readableBytes == RelationFileName.blockSize else { return nil }
        if let bad = partial.withUnsafeReadableBytes({ verify($0) }) { return bad }
        partial.clear()
        block &+= 1
      }
      while rest.count >= RelationFileName.blockSize {
        let page = UnsafeRawBufferPointer(rebasing: rest.prefix(RelationFileName.blockSize))
        if let bad = verify(page) { return bad }
        rest = rest.dropFirst(RelationFileName.blockSize)
        block &+= 1
      }
      partial.writeBytes(rest)
      return nil
    }
  }

  // The header: src/include/storage/bufpage.h. pd_lsn is two halves of 32 bits, the high one first; pd_checksum lies
  // at 8, pd_upper at 14. A page is in the byte order of the machine that wrote it; we serve little-endian ones.
  private func verify(_ page: UnsafeRawBufferPointer) -> BadPage? {
    let upper = UInt16(littleEndian: page.loadUnaligned(fromByteOffset: 14, as: UInt16.self))
    guard upper != 0 else { return nil }
    let high = UInt32(littleEndian: page.loadUnaligned(fromByteOffset: 0, as: UInt32.self))
    let low = UInt32(littleEndian: page.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
    guard LSN(UInt64(high) << 32 | UInt64(low)) < startLSN else { return nil }
    let expected = UInt16(littleEndian: page.loadUnaligned(fromByteOffset: 8, as: UInt16.self))
    let found = tidemark_page_checksum(page.baseAddress, firstBlock &+ block)
    return found == expected ? nil : BadPage(block: block, expected: expected, found: found)
  }
}
