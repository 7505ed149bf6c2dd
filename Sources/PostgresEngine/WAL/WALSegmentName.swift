/// The size of a WAL segment file, fixed when the cluster was initialised (`initdb --wal-segsize`).
public struct WALSegmentSize: Hashable, Sendable, Codable {
  /// Bytes: a power of two from 1 MiB to 1 GiB.
  public let bytes: UInt64

  /// 16 MiB, PostgreSQL's default.
  public static let standard = WALSegmentSize(unchecked: 16 << 20)

  /// nil unless `bytes` is a power of two from 1 MiB to 1 GiB.
  public init?(bytes: UInt64) {
    guard bytes >= 1 << 20, bytes <= 1 << 30, bytes.nonzeroBitCount == 1 else { return nil }
    self.bytes = bytes
  }

  private init(unchecked bytes: UInt64) { self.bytes = bytes }

  /// The position at which the segment that holds `lsn` begins.
  public func start(of lsn: LSN) -> LSN { LSN(lsn.bytes / bytes * bytes) }
}

/// The name of a WAL segment: its timeline and its number, written as 24 hexadecimal digits.
///
/// Source: PostgreSQL's `src/include/access/xlog_internal.h` (`XLogFileName`).
public struct WALSegmentName: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The timeline whose log the segment belongs to.
  public let timeline: TimelineID
  /// The segment's number: its first byte's position divided by the segment size.
  public let number: UInt64
  /// The cluster's segment size.
  public let size: WALSegmentSize

  /// The segment with this number.
  public init(timeline: TimelineID, number: UInt64, size: WALSegmentSize) {
    (self.timeline, self.number, self.size) = (timeline, number, size)
  }

  /// The segment that holds the byte at `lsn`.
  public init(timeline: TimelineID, containing lsn: LSN, size: WALSegmentSize) {
    self.init(timeline: timeline, number: lsn.bytes / size.bytes, size: size)
  }

  /// Reads a file name of 24 hexadecimal digits; nil for any other.
  public init?(_ name: some StringProtocol, size: WALSegmentSize) {
    guard name.utf8.count == 24, name.allSatisfy({ $0.isHexDigit && $0.isASCII }) else { return nil }
    let perLogFile = (1 << 32) / size.bytes
    guard let timeline = UInt32(name.prefix(8), radix: 16),
      let high = UInt64(name.dropFirst(8).prefix(8), radix: 16),
      let low = UInt64(name.suffix(8), radix: 16), low < perLogFile
    else { return nil }
    self.init(timeline: TimelineID(timeline), number: high * perLogFile + low, size: size)
  }

  /// The position of the segment's first byte.
  public var start: LSN { LSN(number * size.bytes) }

  /// The position after the segment's last byte.
  public var end: LSN { LSN((number + 1) * size.bytes) }

  /// The segment after this one on the same timeline.
  public var next: WALSegmentName { WALSegmentName(timeline: timeline, number: number + 1, size: size) }

  /// The file name: 24 hexadecimal digits.
  public var description: String {
    let perLogFile = (1 << 32) / size.bytes
    return timeline.hexadecimal + padded(number / perLogFile) + padded(number % perLogFile)
  }

  public static func < (left: WALSegmentName, right: WALSegmentName) -> Bool {
    (left.timeline, left.number) < (right.timeline, right.number)
  }
}
