package import NIOCore

/// One of the archives of which a base backup consists.
package enum BackupArchive: Sendable, Equatable {
  /// The data directory.
  case base
  /// A tablespace: its OID, and where the server has it.
  case tablespace(oid: UInt32, location: String)

  /// What its entries' paths begin with in the data directory.
  var prefix: String {
    switch self {
    case .base: ""
    case .tablespace(let oid, _): "pg_tblspc/\(oid)"
    }
  }
}

/// What a base backup brings, in order.
package enum BaseBackupEvent: Sendable, Equatable {
  /// Recovery from this backup begins here.
  case began(at: LSN, timeline: TimelineID)
  /// The archives to come, and the server's estimate of their bytes.
  case announced([BackupArchive], estimatedBytes: Int64)
  case archiveBegan(BackupArchive)
  case archiveData(ByteBuffer)
  /// The archive that began last is whole.
  case archiveEnded
  case manifestData(ByteBuffer)
  case warning(ServerReport)
  /// Recovery from this backup must reach this point.
  case ended(at: LSN, timeline: TimelineID)
}
