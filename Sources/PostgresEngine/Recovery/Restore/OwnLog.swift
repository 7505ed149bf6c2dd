import NIOCore

/// The log that a base backup brought along in `pg_wal`, which PostgreSQL replays where the archive does not have it.
struct OwnLog {
  let data: DataDirectory
  let base: RecoveryBase

  /// What must be other in it so that its replay leaves alone the directories in which the source created tablespaces
  /// while the backup was taken.
  ///
  /// Holds two segments at a time.
  func editsOfTablespaces() throws -> [WALEdit] {
    var name = WALSegmentName(timeline: base.timeline, containing: base.startLSN, size: base.segmentSize)
    var reader = WALRecordReader(start: name.start, segmentSize: base.segmentSize)
    var (edits, before): ([WALEdit], WALEdit.File?) = ([], nil)
    while data.exists("pg_wal/\(name)") {
      let file: WALEdit.File = (name, ByteBuffer(bytes: try data.read("pg_wal/\(name)")))
      let (records, isAtEnd) = reader.feed(upToEndOfLog: file.bytes)
      for creation in records.compactMap({ TablespaceCreation($0) }) {
        edits += WALEdit.hidingPath(of: creation, in: [before, file].compactMap { $0 })
      }
      guard !isAtEnd else { break }
      (before, name) = (file, name.next)
    }
    return edits
  }

  /// Changes the files.
  func apply(_ edits: [WALEdit]) throws {
    for edit in edits { try data.overwrite("pg_wal/\(edit.segment)", at: edit.offset, with: edit.byte) }
  }
}
