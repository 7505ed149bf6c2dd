/// The fields of an error or notice, as the server sent them.
package struct ServerReport: Sendable, Equatable {
  package var severity: String
  package var sqlState: String
  package var message: String
  package var detail: String?
  package var hint: String?
}

extension PostgresError {
  /// An answer of the server to a statement or a replication command.
  init(_ report: ServerReport, during operation: String) {
    let (code, advice) = Self.classify(report)
    self.init(
      code, "\(operation): \(report.message)", sqlState: report.sqlState, detail: report.detail,
      hint: report.hint ?? advice)
  }

  // SQLSTATEs: PostgreSQL's documentation, appendix A. The messages: walsender.c, slot.c, xlog.c of 13 to 17.
  private static func classify(_ report: ServerReport) -> (Code, advice: String?) {
    let message = report.message
    switch report.sqlState {
    case "42704" where message.contains("replication slot"):
      return (.slotMissing, nil)
    case "42710" where message.contains("replication slot"):
      return (.slotExists, nil)
    case "55006" where message.contains("replication slot"):
      return (.slotInUse, "Another receiver holds the slot: stop it, or wait until the server has noticed that it died")
    case "53400" where message.contains("replication slot"):
      return (.slotsExhausted, "Raise max_replication_slots, or drop a slot that nothing uses")
    case "55000" where message.contains("WAL level") || message.contains("wal_level"):
      return (.walLevelTooLow, "Set wal_level = replica and restart the server")
    case "55000" where message.contains("replication slot"):
      return (.slotUnusable, "The server gave up the slot's WAL: drop the slot, and take a new base backup")
    case "58P01" where message.contains("WAL segment"):
      return (.walRemoved, "Use a replication slot, or raise wal_keep_size")
    case let state where state.hasPrefix("57P") || state.hasPrefix("08"):
      return (state == "57P03" ? .serverNotReady : .connectionLost, nil)
    case "42501":
      return (.notAuthorized, "Grant the role what it lacks; backups need ALTER ROLE … REPLICATION")
    case "XX001" where message.contains("checksum"):
      return (.pageCorrupted, nil)
    case "53300":
      return (.tooManyConnections, nil)
    default:
      return (.statementFailed, nil)
    }
  }
}
