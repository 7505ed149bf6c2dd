/// Constants of the write-ahead log's format, the same for PostgreSQL 13 to 17 unless named otherwise.
///
/// Sources: `src/include/access/xlog_internal.h`, `xlogrecord.h`, `rmgrlist.h`, `xact.h`,
/// `src/include/catalog/pg_control.h`, `src/include/commands/tablespace.h`.
enum WALFormat {
  /// XLOG_BLCKSZ. It can be changed only when PostgreSQL is built; each segment's first page says it.
  static let pageBytes: UInt64 = 8192
  static let shortPageHeader = 24
  static let longPageHeader = 40
  static let recordHeader = 24

  static let firstIsContinuation: UInt16 = 0x0001
  static let longHeader: UInt16 = 0x0002
  static let firstOverwritesContinuation: UInt16 = 0x0008

  static let xlogResourceManager: UInt8 = 0
  static let transactionResourceManager: UInt8 = 1
  static let tablespaceResourceManager: UInt8 = 5

  static let checkpointShutdown: UInt8 = 0x00
  static let checkpointOnline: UInt8 = 0x10
  static let segmentSwitch: UInt8 = 0x40
  static let parameterChange: UInt8 = 0x60
  static let restorePoint: UInt8 = 0x70

  static let tablespaceCreate: UInt8 = 0x00

  static let commit: UInt8 = 0x00
  static let abort: UInt8 = 0x20
  static let commitPrepared: UInt8 = 0x30
  static let abortPrepared: UInt8 = 0x40
  static let transactionOperationMask: UInt8 = 0x70
  static let transactionHasInfo: UInt8 = 0x80

  /// The page magic of each major version.
  static func majorVersion(magic: UInt16) -> Int? {
    switch magic {
    case 0xD106: 13
    case 0xD10D: 14
    case 0xD110: 15
    case 0xD113: 16
    case 0xD116: 17
    default: nil
    }
  }
}
