private import CChecksum

/// What `global/pg_control` says of a cluster, read without PostgreSQL's programs: a step that restores need not have
/// them.
///
/// Source: `src/include/catalog/pg_control.h`. The fields read here lie at the same places in versions 13 to 17
/// (control file versions 1300 and 1700); the file's own checksum and its constant 1234567.0 prove it each time.
public struct ControlFile: Sendable, Hashable {
  /// PostgreSQL's system identifier.
  public let systemIdentifier: UInt64
  /// The position of the last checkpoint.
  public let checkpoint: LSN
  /// The timeline of the last checkpoint.
  public let timeline: TimelineID
  /// Settings that recovery must not go below.
  public let parameters: RequiredParameters
  /// The size of WAL segments.
  public let segmentSize: WALSegmentSize

  /// The version of the format, twice: PostgreSQL 13 to 16, and 17.
  private static let versions: Set<UInt32> = [1300, 1700]
  private static let checksumOffset = 288

  /// Reads the file's bytes.
  public init(_ bytes: [UInt8]) throws {
    guard bytes.count >= Self.checksumOffset + 4 else {
      throw Self.invalid("it has \(bytes.count) bytes, at least \(Self.checksumOffset + 4) were expected")
    }
    let fields = bytes.withUnsafeBytes { raw in
      (
        system: raw.loadUnaligned(as: UInt64.self), version: raw.loadUnaligned(fromByteOffset: 8, as: UInt32.self),
        checkpoint: raw.loadUnaligned(fromByteOffset: 32, as: UInt64.self),
        timeline: raw.loadUnaligned(fromByteOffset: 48, as: UInt32.self),
        parameters: (0..<5).map { raw.loadUnaligned(fromByteOffset: 180 + 4 * $0, as: Int32.self) },
        float: raw.loadUnaligned(fromByteOffset: 208, as: Double.self),
        segment: raw.loadUnaligned(fromByteOffset: 228, as: UInt32.self),
        stored: raw.loadUnaligned(fromByteOffset: Self.checksumOffset, as: UInt32.self),
        computed: tidemark_crc32c(0, raw.baseAddress, Self.checksumOffset)
      )
    }
    guard Self.versions.contains(fields.version) else {
      throw Self.invalid("its format is \(fields.version); PostgreSQL 13 to 17 write 1300 or 1700")
    }
    guard fields.stored == fields.computed, fields.float == 1_234_567.0,
      let size = WALSegmentSize(bytes: UInt64(fields.segment))
    else { throw Self.invalid("its checksum does not match its bytes") }
    systemIdentifier = fields.system
    checkpoint = LSN(fields.checkpoint)
    timeline = TimelineID(fields.timeline)
    segmentSize = size
    parameters = RequiredParameters(
      maxConnections: fields.parameters[0], maxWorkerProcesses: fields.parameters[1],
      maxWALSenders: fields.parameters[2], maxPreparedTransactions: fields.parameters[3],
      maxLocksPerTransaction: fields.parameters[4])
  }

  private static func invalid(_ reason: String) -> WALError {
    WALError(.fileInvalid, "global/pg_control cannot be read: \(reason). Restore the base backup again")
  }
}
