import NIOCore

/// Looks for the creation of a tablespace in the log that comes along with a base backup.
///
/// The snapshot is started from by `restic restore` and PostgreSQL alone, and replays that log as it is: it would link
/// the restored directory to the original's tablespace, and write there. So such a backup is not kept, and is taken
/// again.
struct TablespaceWatch {
  private let start: LSN
  private let segmentSize: WALSegmentSize
  private var file: (path: String, name: WALSegmentName)?
  private var reader: WALRecordReader?
  private var isAtEnd = false

  /// For a backup that begins at `start`.
  init(start: LSN, segmentSize: WALSegmentSize) { (self.start, self.segmentSize) = (start, segmentSize) }

  /// Takes the next bytes of the file at `path`, whatever file it is. Throws ``PostgresError``.
  mutating func take(_ bytes: ByteBuffer, of path: String) throws {
    if file?.path != path { begin(path) }
    guard file != nil, !isAtEnd, var reader else { return }
    let found = reader.feed(upToEndOfLog: bytes)
    (self.reader, isAtEnd) = (reader, found.isAtEnd)
    for creation in found.records.compactMap({ TablespaceCreation($0) }) where creation.start >= start {
      throw PostgresError(
        .tablespaceCreated,
        "a tablespace was created in \(creation.path) (OID \(creation.oid), LSN \(creation.lsn)) while the base backup "
          + "was taken", hint: "Take the backup again; no snapshot was made")
    }
  }

  private mutating func begin(_ path: String) {
    let name = path.hasPrefix("pg_wal/") ? WALSegmentName(path.dropFirst(7), size: segmentSize) : nil
    file = name.map { (path, $0) }
    guard let name else { return }
    if reader == nil { reader = WALRecordReader(start: name.start, segmentSize: segmentSize) }
    if reader?.position != name.start { isAtEnd = true }
  }
}
