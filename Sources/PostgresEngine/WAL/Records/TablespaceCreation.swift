/// A CREATE TABLESPACE in the log, with the place that the statement named.
public struct TablespaceCreation: Sendable, Hashable, Codable {
  /// The tablespace's number: PostgreSQL reaches it as `pg_tblspc/<oid>`.
  public var oid: UInt32
  /// The directory that the statement named.
  public var path: String
  /// Where the record begins.
  public var start: LSN
  /// The position after the record.
  public var lsn: LSN

  /// The creation of the tablespace `oid` at `path`, by the record from `start` to `lsn`.
  public init(oid: UInt32, path: String, start: LSN, lsn: LSN) {
    (self.oid, self.path, self.start, self.lsn) = (oid, path, start, lsn)
  }
}

extension TablespaceCreation {
  /// What `record` created; nil for any other record, and for a tablespace that has no place of its own.
  init?(_ record: WALRecord) {
    guard case .tablespace(let oid, let path) = record.kind, !path.isEmpty else { return nil }
    self.init(oid: oid, path: path, start: record.start, lsn: record.end)
  }
}
