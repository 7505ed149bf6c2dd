private import CChecksum
import NIOCore

/// Bytes of a segment that are other in a recovery than in the archive.
///
/// There is one use: a CREATE TABLESPACE whose path is made empty. Replay of the record as it is makes a link to the
/// directory that the statement named and writes there, which on the source's machine are the source's own files
/// (`create_tablespace_directories` in PostgreSQL's `tablespace.c`; a directory that is made before it does not help,
/// since replay removes it, or fails where it is not empty). With an empty path replay makes a directory
/// `pg_tblspc/<oid>` instead. The record keeps its length, and gets the checksum that it has then.
public struct WALEdit: Sendable, Hashable, Codable {
  /// The segment's file name.
  public var segment: String
  /// Where in the file.
  public var offset: Int
  /// What stands there then.
  public var byte: UInt8

  init(_ name: WALSegmentName, at lsn: LSN, _ byte: UInt8) {
    (segment, offset, self.byte) = (name.description, Int(lsn - name.start), byte)
  }
}

extension WALEdit {
  /// A segment's file, or its beginning.
  typealias File = (name: WALSegmentName, bytes: ByteBuffer)

  /// The edits of `files`, one for each segment that the record lies in, that make `creation`'s path empty.
  ///
  /// None where the record does not stand there whole and sound: PostgreSQL does not replay it then either.
  static func hidingPath(of creation: TablespaceCreation, in files: [File]) -> [WALEdit] {
    guard let record = RecordBytes(at: creation.start, in: files), record.isSound,
      record.resourceManager == WALFormat.tablespaceResourceManager,
      let data = record.offsetOfMainData, record.bytes.count > data + 4, record.bytes[data + 4] != 0
    else { return [] }
    var edited = record
    edited.bytes[data + 4] = 0
    let checksum = edited.checksum
    for byte in 0..<4 { edited.bytes[20 + byte] = UInt8(truncatingIfNeeded: checksum >> (8 * UInt32(byte))) }
    return record.bytes.indices.compactMap { index in
      guard edited.bytes[index] != record.bytes[index] else { return nil }
      return files.first { $0.name.start <= record.places[index] && record.places[index] < $0.name.end }
        .map { WALEdit($0.name, at: record.places[index], edited.bytes[index]) }
    }
  }
}

extension [WALEdit] {
  /// Changes what is to be changed in the bytes of the segment `name`.
  func apply(to bytes: inout ByteBuffer, of name: WALSegmentName) {
    let file = name.description
    for edit in self where edit.segment == file && edit.offset < bytes.readableBytes {
      bytes.setInteger(edit.byte, at: bytes.readerIndex + edit.offset)
    }
  }
}

/// A record's bytes without the page headers between them, and where each stands.
private struct RecordBytes {
  var bytes: [UInt8] = []
  private(set) var places: [LSN] = []

  /// nil where not all of it is there.
  init?(at start: LSN, in files: [WALEdit.File]) {
    var (position, total) = (start, WALFormat.recordHeader)
    while bytes.count < total {
      guard let file = files.first(where: { $0.name.start <= position && position < $0.name.end }) else { return nil }
      if position.bytes % WALFormat.pageBytes == 0 {
        let isFirst = position == file.name.start
        position = position + UInt64(isFirst ? WALFormat.longPageHeader : WALFormat.shortPageHeader)
      }
      let offset = file.bytes.readerIndex + Int(position - file.name.start)
      guard let byte = file.bytes.getInteger(at: offset, as: UInt8.self) else { return nil }
      bytes.append(byte)
      places.append(position)
      position = position + 1
      if bytes.count == 4 {
        total = Int(bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) })
        guard (WALFormat.recordHeader...WALRecordReader.bodyLimit).contains(total) else { return nil }
      }
    }
  }

  var resourceManager: UInt8 { bytes[17] }

  /// The CRC of the body, then of the header up to the CRC itself.
  var checksum: UInt32 {
    bytes.withUnsafeBytes { raw in
      let body = UnsafeRawBufferPointer(rebasing: raw[WALFormat.recordHeader...])
      return tidemark_crc32c(tidemark_crc32c(0, body.baseAddress, body.count), raw.baseAddress, 20)
    }
  }

  var isSound: Bool {
    checksum == bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 20, as: UInt32.self) }
  }

  var offsetOfMainData: Int? {
    bytes.withUnsafeBytes { raw in
      let body = UnsafeRawBufferPointer(rebasing: raw[WALFormat.recordHeader...])
      return (try? WALRecordBody.offsetOfMainData(in: body)).map { WALFormat.recordHeader + $0 }
    }
  }
}
