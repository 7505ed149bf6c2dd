public import Logging
public import Repository

/// Takes a base backup of a running PostgreSQL server into a snapshot, over the replication protocol.
///
/// Flow: connect, compare the system identifier, keep WAL from being removed by a temporary slot, BASE_BACKUP, each
/// file into the snapshot as it arrives, all of it held against the server's manifest, the snapshot last.
///
/// Guarantees: a snapshot exists only of a whole backup. Every file has the size and the checksum that the server's
/// manifest says; every page of a relation has the checksum in its header, where the cluster has checksums; the WAL
/// that makes the backup consistent is in its `pg_wal`. The snapshot is the data directory itself: what `restic
/// restore` makes of it (into a directory of mode 0700), PostgreSQL starts from. A failed or cancelled backup leaves no
/// snapshot, and nothing running at the server.
///
/// Assumptions: the caller holds a shared lock on the repository.
///
/// Caveats: configuration files that lie outside the data directory, as Debian's do, are not in the backup. Unlogged
/// relations are restored empty, as after a crash. How tablespaces are stored: ``TablespaceLayout``.
public enum BaseBackup {
  /// Bytes that may lie unread: enough to keep the server reading while a piece is hashed.
  static let readAhead = 8 << 20

  /// Takes a base backup.
  ///
  /// `progress` is told at most four times a second, and at the end. Throws ``PostgresError`` (`systemMismatch` for a
  /// server other than expected, `timelineChanged` for a standby that was promoted or followed a promotion,
  /// `tablespaceCreated` where that happened during the backup, `pageCorrupted` with file and block, `backupIncomplete`
  /// and `backupCorrupted` for what does not fit the manifest, and all that connecting may meet), what the repository
  /// throws, and `CancellationError`.
  public static func run(
    from settings: PostgresConnectionSettings, into repository: Repository, _ options: BaseBackupOptions,
    logger: Logger, progress: @escaping @Sendable (BaseBackupProgress) -> Void = { _ in }
  ) async throws -> BaseBackupOutcome {
    let connection = try await ReplicationConnection.connect(settings)
    do {
      let writer = try await SnapshotWriter(repository: repository)
      do {
        let run = BaseBackupRun(
          connection: connection, writer: writer, options: options, endpoint: settings.endpoint, logger: logger)
        let record = try await run.run(ProgressReporter(progress))
        await connection.close()
        return BaseBackupOutcome(record: record, statistics: writer.statistics)
      } catch {
        await writer.cancel()
        throw error
      }
    } catch {
      await connection.close()
      throw error
    }
  }

  static func timelineChanged(_ first: TimelineID, _ second: TimelineID) -> PostgresError {
    PostgresError(
      .timelineChanged,
      "the server went from timeline \(first) to timeline \(second) during the base backup",
      hint: "A standby was promoted, or followed a promotion: take the backup again")
  }

  static func badPage(_ page: PageVerifier.BadPage, in path: String) -> PostgresError {
    PostgresError(
      .pageCorrupted,
      "block \(page.block) of '\(path)' is damaged: its checksum is \(page.found), its header says \(page.expected)",
      hint: "The server's data are damaged: see which relation it is with pg_filenode_relation, check disk and memory, "
        + "and restore it from an earlier backup. No snapshot was made")
  }
}

/// What came of a base backup.
public struct BaseBackupOutcome: Sendable {
  /// What there is to know of it.
  public let record: BaseBackupRecord
  /// What its snapshot added to the repository.
  public let statistics: BlobWriterStatistics
}

extension ReplicationConnection {
  /// The server's clock, from a keepalive: the replication protocol has no other way to ask for it.
  ///
  /// The status that provokes it claims nothing, so that no synchronous commit takes us for a standby.
  public func serverTime() async throws -> PostgresTime {
    let system = try await identifySystem()
    let stream = startReplication(slot: nil, from: system.flushLSN, timeline: system.timeline)
    try await stream.send(StandbyStatus(written: LSN(0), flushed: LSN(0), reply: .requested))
    var time: PostgresTime?
    while true {
      switch try await stream.next() {
      case .data(_, _, _, let sent), .keepalive(_, let sent, _):
        if time == nil { stream.finish() }
        time = max(time ?? sent, sent)
      case .timelineEnded, .finished:
        guard let time else { throw PostgresError(.protocolViolation, "the server did not tell the time") }
        return time
      }
    }
  }
}
