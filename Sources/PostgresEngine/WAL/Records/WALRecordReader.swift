private import CChecksum
public import NIOCore

/// Reads the write-ahead log as it streams by, in pieces cut anywhere, and reports the records that recovery stops at.
///
/// Every record's CRC-32C is verified and the chain of `xl_prev` is followed, so a byte changed on the way is found.
/// Only headers are looked at; bodies are kept (up to a bound) for the few kinds of record that are reported. A record
/// is reported when its last byte has been fed, wherever it began.
///
/// Begun in the middle of a record (as at the start of most segments), the reader skips to the first record that
/// begins; feed it the segment before to see that one too.
///
/// Memory: one record of an interesting kind, at most `WALRecordReader.bodyLimit` bytes.
public struct WALRecordReader: Sendable {
  /// Bodies are kept up to this many bytes; a transaction's time and number lie well before it, except in
  /// COMMIT PREPARED of a transaction with tens of thousands of dropped tables.
  static let bodyLimit = 1 << 20

  private enum State {
    /// Collecting the header of the page at `position`.
    case pageHeader(Interrupted)
    /// Skipping the rest of a record that began before the first byte fed.
    case skipping(remaining: UInt64)
    /// Between records; `position` is aligned.
    case betweenRecords
    case recordHeader
    case recordBody
    /// Padding up to the end of the segment, after a segment switch.
    case paddingToSegmentEnd
    /// The zeros after the last record of a segment that was never finished.
    case zeros
  }

  /// What the page header interrupts.
  private enum Interrupted {
    case start
    case betweenRecords
    case recordHeader
    case recordBody
    case skipping(remaining: UInt64)
  }

  private struct RecordInProgress {
    var start = LSN(0)
    var headerBytes = 0
    var total: UInt64 = 0
    var remaining: UInt64 = 0
    var resourceManager: UInt8 = 0
    var info: UInt8 = 0
    var xid: UInt32 = 0
    var crc: UInt32 = 0
    var isKept = false
  }

  /// The position of the next byte to be fed.
  public private(set) var position: LSN
  /// The major version of the server that wrote the pages, known after the first page.
  public private(set) var majorVersion: Int?
  /// The system identifier in the last segment header seen.
  public private(set) var systemIdentifier: UInt64?
  /// The end of the last whole record, padding included: where the next one begins. nil before the first.
  public private(set) var endOfLastRecord: LSN?

  private let segmentSize: WALSegmentSize
  private var state: State
  private var record = RecordInProgress()
  private var header: [UInt8]
  private var pageHeader: [UInt8] = []
  private var body: [UInt8] = []
  private var previousStart: LSN?
  private var found: [WALRecord] = []

  /// A reader whose first byte is the one at `start`, which must be the start of a page.
  public init(start: LSN, segmentSize: WALSegmentSize) {
    precondition(start.bytes % WALFormat.pageBytes == 0, "WAL is read from the start of a page")
    position = start
    self.segmentSize = segmentSize
    state = .pageHeader(.start)
    header = [UInt8](repeating: 0, count: WALFormat.recordHeader)
    pageHeader.reserveCapacity(WALFormat.longPageHeader)
  }

  /// Reads `buffer`'s readable bytes, which follow those fed before, and returns the records that ended in them.
  public mutating func feed(_ buffer: ByteBuffer) throws -> [WALRecord] {
    try buffer.withUnsafeReadableBytes { try feed($0) }
  }

  /// As `feed(_:)`, for files whose end nobody knows: behind the end of the log a file may hold what it held before it
  /// was used again. Where the log ends, so does reading: the reader takes no more then.
  mutating func feed(upToEndOfLog buffer: ByteBuffer) -> (records: [WALRecord], isAtEnd: Bool) {
    do {
      return (try feed(buffer), false)
    } catch {
      return (found, true)
    }
  }

  /// As `feed(_:)`, for bytes in memory.
  public mutating func feed(_ bytes: UnsafeRawBufferPointer) throws -> [WALRecord] {
    found.removeAll(keepingCapacity: true)
    var rest = bytes[...]
    while !rest.isEmpty {
      let taken = try step(UnsafeRawBufferPointer(rebasing: rest))
      rest = rest.dropFirst(taken)
    }
    return found
  }

  private var leftOnPage: UInt64 { WALFormat.pageBytes - position.bytes % WALFormat.pageBytes }
  private var isAtPageStart: Bool { position.bytes % WALFormat.pageBytes == 0 }

  private mutating func advance(_ count: Int) { position = position + UInt64(count) }

  /// Takes at least one byte of `bytes` (or changes the state), and says how many.
  private mutating func step(_ bytes: UnsafeRawBufferPointer) throws -> Int {
    switch state {
    case .pageHeader(let interrupted):
      return try stepPageHeader(bytes, interrupted)
    case .skipping(let remaining):
      if isAtPageStart { return enterPage(.skipping(remaining: remaining)) }
      let count = Int(min(UInt64(bytes.count), leftOnPage, remaining))
      advance(count)
      if remaining > UInt64(count) {
        state = .skipping(remaining: remaining - UInt64(count))
      } else {
        state = .betweenRecords
      }
      return count
    case .betweenRecords:
      return stepBetweenRecords(bytes)
    case .recordHeader:
      if isAtPageStart { return enterPage(.recordHeader) }
      return try stepRecordHeader(bytes)
    case .recordBody:
      if isAtPageStart { return enterPage(.recordBody) }
      return try stepRecordBody(bytes)
    case .paddingToSegmentEnd:
      return skipToSegmentEnd(bytes)
    case .zeros:
      if let index = bytes.firstIndex(where: { $0 != 0 }) {
        throw failure("expected only zeros after the last record", at: position + UInt64(index))
      }
      advance(bytes.count)
      return bytes.count
    }
  }

  private mutating func enterPage(_ interrupted: Interrupted) -> Int {
    pageHeader.removeAll(keepingCapacity: true)
    state = .pageHeader(interrupted)
    return 0
  }

  private mutating func stepBetweenRecords(_ bytes: UnsafeRawBufferPointer) -> Int {
    if isAtPageStart { return enterPage(.betweenRecords) }
    let padding = Int((8 - position.bytes % 8) % 8)
    if padding > 0 {
      let count = min(padding, bytes.count)
      advance(count)
      return count
    }
    record = RecordInProgress(start: position)
    body.removeAll(keepingCapacity: true)
    state = .recordHeader
    return 0
  }

  private mutating func skipToSegmentEnd(_ bytes: UnsafeRawBufferPointer) -> Int {
    let end = segmentSize.start(of: position) + segmentSize.bytes
    let count = Int(min(UInt64(bytes.count), end - position))
    advance(count)
    if position == end { _ = enterPage(.betweenRecords) }
    return count
  }

  // MARK: Pages

  private mutating func stepPageHeader(_ bytes: UnsafeRawBufferPointer, _ interrupted: Interrupted) throws -> Int {
    let isFirstOfSegment = segmentSize.start(of: pageStart) == pageStart
    let wanted = isFirstOfSegment ? WALFormat.longPageHeader : WALFormat.shortPageHeader
    let count = min(wanted - pageHeader.count, bytes.count)
    pageHeader.append(contentsOf: bytes[..<count])
    advance(count)
    guard pageHeader.count == wanted else { return count }
    try pageHeader.withUnsafeBytes { try checkPage($0, isFirstOfSegment, interrupted) }
    return count
  }

  private var pageStart: LSN { LSN(position.bytes - UInt64(pageHeader.count)) }

  private mutating func checkPage(
    _ page: UnsafeRawBufferPointer, _ isFirstOfSegment: Bool, _ interrupted: Interrupted
  ) throws {
    let start = LSN(position.bytes - UInt64(page.count))
    let magic = page.loadUnaligned(as: UInt16.self)
    let info = page.loadUnaligned(fromByteOffset: 2, as: UInt16.self)
    let address = page.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    let continued = page.loadUnaligned(fromByteOffset: 16, as: UInt32.self)
    if magic == 0, !page.contains(where: { $0 != 0 }) {
      guard case .betweenRecords = interrupted else {
        throw failure("a page of zeros in the middle of a record", at: start)
      }
      state = .zeros
      return
    }
    guard let version = WALFormat.majorVersion(magic: magic) else {
      throw failure(
        "page magic 0x\(String(magic, radix: 16, uppercase: true)) is not one of PostgreSQL 13 to 17", at: start)
    }
    majorVersion = version
    guard address == start.bytes else { throw failure("the page says it is the one of \(LSN(address))", at: start) }
    if isFirstOfSegment {
      guard info & WALFormat.longHeader != 0 else { throw failure("a segment without its long header", at: start) }
      systemIdentifier = page.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
      let size = page.loadUnaligned(fromByteOffset: 32, as: UInt32.self)
      let block = page.loadUnaligned(fromByteOffset: 36, as: UInt32.self)
      guard UInt64(size) == segmentSize.bytes, UInt64(block) == WALFormat.pageBytes else {
        throw failure(
          "segments of \(size) bytes in pages of \(block), expected \(segmentSize.bytes) and \(WALFormat.pageBytes)",
          at: start)
      }
    }
    try resume(interrupted, info: info, continued: UInt64(continued), at: start)
  }

  /// Goes on with what the page header interrupted, if the page agrees.
  private mutating func resume(_ interrupted: Interrupted, info: UInt16, continued: UInt64, at start: LSN) throws {
    let isContinuation = info & WALFormat.firstIsContinuation != 0
    if info & WALFormat.firstOverwritesContinuation != 0 {
      // The server crashed in the middle of that record, and gave it up (CreateOverwriteContrecordRecord).
      previousStart = nil
      state = .betweenRecords
      return
    }
    let expected: UInt64
    switch interrupted {
    case .start:
      state = isContinuation ? .skipping(remaining: continued) : .betweenRecords
      return
    case .betweenRecords:
      guard !isContinuation else { throw failure("a continuation of a record that had ended", at: start) }
      state = .betweenRecords
      return
    case .skipping(let remaining): (expected, state) = (remaining, .skipping(remaining: remaining))
    case .recordHeader: (expected, state) = (record.total - UInt64(record.headerBytes), .recordHeader)
    case .recordBody: (expected, state) = (record.remaining, .recordBody)
    }
    guard isContinuation, continued == expected else {
      throw failure(
        "the page continues a record by \(isContinuation ? continued : 0) bytes, expected \(expected)", at: start)
    }
  }

  // MARK: Records

  private mutating func stepRecordHeader(_ bytes: UnsafeRawBufferPointer) throws -> Int {
    let count = Int(min(UInt64(WALFormat.recordHeader - record.headerBytes), UInt64(bytes.count), leftOnPage))
    let (from, upTo) = (record.headerBytes, record.headerBytes + count)
    header.withUnsafeMutableBytes { target in
      UnsafeMutableRawBufferPointer(rebasing: target[from..<upTo]).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
    }
    record.headerBytes = upTo
    if from < 4, upTo >= 4 {
      record.total = UInt64(header.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) })
      if record.total == 0 {
        state = .zeros
        return 0
      }
      guard record.total >= UInt64(WALFormat.recordHeader) else {
        throw failure("a record of \(record.total) bytes", at: record.start)
      }
    }
    advance(count)
    if record.headerBytes == WALFormat.recordHeader { try beginBody() }
    return count
  }

  private mutating func beginBody() throws {
    let previous = header.withUnsafeBytes { raw in
      record.xid = raw.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
      record.info = raw[16]
      record.resourceManager = raw[17]
      return LSN(raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }
    guard previous < record.start, previousStart == nil || previous == previousStart else {
      throw failure(
        "the record says that \(previous) precedes it, expected \(previousStart?.description ?? "an earlier one")",
        at: record.start)
    }
    record.remaining = record.total - UInt64(WALFormat.recordHeader)
    record.crc = 0
    record.isKept = WALRecordBody.isOfInterest(resourceManager: record.resourceManager, info: record.info)
    if record.remaining == 0 { try finishRecord() } else { state = .recordBody }
  }

  private mutating func stepRecordBody(_ bytes: UnsafeRawBufferPointer) throws -> Int {
    let count = Int(min(record.remaining, UInt64(bytes.count), leftOnPage))
    record.crc = tidemark_crc32c(record.crc, bytes.baseAddress, count)
    if record.isKept, body.count < Self.bodyLimit {
      body.append(contentsOf: bytes[..<min(count, Self.bodyLimit - body.count)])
    }
    record.remaining -= UInt64(count)
    advance(count)
    if record.remaining == 0 { try finishRecord() }
    return count
  }

  private mutating func finishRecord() throws {
    // The CRC covers the body first, then the header up to the CRC itself.
    let (computed, stored) = header.withUnsafeBytes { raw in
      (tidemark_crc32c(record.crc, raw.baseAddress, 20), raw.loadUnaligned(fromByteOffset: 20, as: UInt32.self))
    }
    guard computed == stored else { throw failure("the record's checksum does not match its bytes", at: record.start) }
    previousStart = record.start
    state = .betweenRecords
    endOfLastRecord = LSN((position.bytes + 7) & ~7)
    guard record.isKept, let kind = try parseBody() else { return }
    if kind == .segmentSwitch, position.bytes % segmentSize.bytes != 0 { state = .paddingToSegmentEnd }
    found.append(WALRecord(start: record.start, end: endOfLastRecord ?? position, kind: kind))
  }

  private func parseBody() throws -> WALRecord.Kind? {
    do {
      return try body.withUnsafeBytes { raw in
        try WALRecordBody(
          resourceManager: record.resourceManager, info: record.info, xid: record.xid, majorVersion: majorVersion ?? 17
        ).kind(of: raw)
      }
    } catch WALRecordBody.Malformed.tooShort {
      throw failure("a record shorter than its kind allows", at: record.start)
    }
  }

  private func failure(_ reason: String, at lsn: LSN) -> WALFormatError { WALFormatError(lsn: lsn, reason: reason) }
}
