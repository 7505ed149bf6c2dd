/// The part of a record after its header, for the kinds of record that recovery stops at.
///
/// Sources: `xlogrecord.h` (block and data headers), `xact.h` and `xactdesc.c` (transaction records),
/// `xlog_internal.h` (restore points), `pg_control.h` (checkpoints), `tablespace.h`.
struct WALRecordBody {
  let resourceManager: UInt8
  let info: UInt8
  let xid: UInt32
  let majorVersion: Int

  enum Malformed: Error { case tooShort }

  static func isOfInterest(resourceManager: UInt8, info: UInt8) -> Bool {
    switch resourceManager {
    case WALFormat.transactionResourceManager:
      switch info & WALFormat.transactionOperationMask {
      case WALFormat.commit, WALFormat.abort, WALFormat.commitPrepared, WALFormat.abortPrepared: return true
      default: return false
      }
    case WALFormat.xlogResourceManager:
      switch info & 0xF0 {
      case WALFormat.segmentSwitch, WALFormat.restorePoint, WALFormat.parameterChange, WALFormat.checkpointOnline,
        WALFormat.checkpointShutdown:
        return true
      default: return false
      }
    case WALFormat.tablespaceResourceManager: return info & 0xF0 == WALFormat.tablespaceCreate
    default: return false
    }
  }

  func kind(of body: UnsafeRawBufferPointer) throws -> WALRecord.Kind? {
    if resourceManager == WALFormat.xlogResourceManager, info & 0xF0 == WALFormat.segmentSwitch {
      return .segmentSwitch
    }
    var data = Fields(body)
    try data.skipToMainData()
    if resourceManager == WALFormat.transactionResourceManager { return try transaction(&data) }
    if resourceManager == WALFormat.tablespaceResourceManager {
      return .tablespace(oid: try data.take(UInt32.self), path: data.takeText())
    }
    switch info & 0xF0 {
    case WALFormat.restorePoint:
      let time = PostgresTime(microseconds: try data.take(Int64.self))
      return .restorePoint(name: data.takeText(), time: time)
    case WALFormat.parameterChange:
      return .parameters(
        RequiredParameters(
          maxConnections: try data.take(Int32.self), maxWorkerProcesses: try data.take(Int32.self),
          maxWALSenders: try data.take(Int32.self), maxPreparedTransactions: try data.take(Int32.self),
          maxLocksPerTransaction: try data.take(Int32.self)))
    default:
      let redo = LSN(try data.take(UInt64.self))
      return .checkpoint(redo: redo, timeline: TimelineID(try data.take(UInt32.self)))
    }
  }

  /// Where the main data begin in the body of a record that refers to no blocks.
  static func offsetOfMainData(in body: UnsafeRawBufferPointer) throws -> Int {
    var fields = Fields(body)
    try fields.skipToMainData()
    return fields.offset
  }

  private func transaction(_ data: inout Fields) throws -> WALRecord.Kind {
    let time = PostgresTime(microseconds: try data.take(Int64.self))
    let operation = info & WALFormat.transactionOperationMask
    let isCommit = operation == WALFormat.commit || operation == WALFormat.commitPrepared
    let isPrepared = operation == WALFormat.commitPrepared || operation == WALFormat.abortPrepared
    let number = isPrepared ? try preparedTransaction(&data, isCommit) : xid
    return isCommit ? .commit(xid: number, time: time) : .abort(xid: number, time: time)
  }

  /// The number of the prepared transaction lies behind the lists of what it did (`ParseCommitRecord`).
  private func preparedTransaction(_ data: inout Fields, _ isCommit: Bool) throws -> UInt32 {
    guard info & WALFormat.transactionHasInfo != 0 else { return xid }
    let contents = Contents(rawValue: try data.take(UInt32.self))
    if contents.contains(.database) { try data.skip(8) }
    if contents.contains(.subtransactions) { try data.skipList(of: 4) }
    if contents.contains(.relations) { try data.skipList(of: 12) }
    if majorVersion >= 15, contents.contains(.droppedStatistics) { try data.skipList(of: 12) }
    if isCommit, contents.contains(.invalidations) { try data.skipList(of: 16) }
    return contents.contains(.twoPhase) ? try data.take(UInt32.self) : xid
  }

  private struct Contents: OptionSet {
    let rawValue: UInt32
    static let database = Contents(rawValue: 1 << 0)
    static let subtransactions = Contents(rawValue: 1 << 1)
    static let relations = Contents(rawValue: 1 << 2)
    static let invalidations = Contents(rawValue: 1 << 3)
    static let twoPhase = Contents(rawValue: 1 << 4)
    static let droppedStatistics = Contents(rawValue: 1 << 8)
  }

  private struct Fields {
    private let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func take<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws -> T {
      let width = MemoryLayout<T>.size
      guard offset + width <= bytes.count else { throw Malformed.tooShort }
      defer { offset += width }
      return bytes.loadUnaligned(fromByteOffset: offset, as: T.self)
    }

    mutating func skip(_ count: Int) throws {
      guard count >= 0, offset + count <= bytes.count else { throw Malformed.tooShort }
      offset += count
    }

    mutating func skipList(of itemBytes: Int) throws {
      try skip(Int(try take(Int32.self)) * itemBytes)
    }

    /// The rest, up to the first zero byte.
    func takeText() -> String {
      String(decoding: bytes[offset...].prefix { $0 != 0 }, as: UTF8.self)
    }

    /// Past the headers before the main data. These kinds of record never refer to blocks.
    mutating func skipToMainData() throws {
      while true {
        switch try take(UInt8.self) {
        case 255: return try skip(1)
        case 254: return try skip(4)
        case 253: try skip(2)
        case 252: try skip(4)
        default: throw Malformed.tooShort
        }
      }
    }
  }
}
