/// A physical replication slot, as the server describes it.
public struct ReplicationSlot: Sendable, Equatable {
  /// The slot's name.
  public let name: String
  /// The oldest WAL that the slot keeps; nil for a slot that reserved none yet, or that lost its WAL.
  public let restartLSN: LSN?
  /// The timeline of ``restartLSN``; servers before 15 don't tell.
  public let restartTimeline: TimelineID?

  package init(name: String, restartLSN: LSN?, restartTimeline: TimelineID?) {
    (self.name, self.restartLSN, self.restartTimeline) = (name, restartLSN, restartTimeline)
  }
}

extension ReplicationConnection {
  /// How long a slot lives.
  public enum SlotLifetime: Sendable {
    /// Until it is dropped.
    case permanent
    /// Until this connection ends.
    case temporary
  }

  /// Creates a physical slot that keeps WAL from now on.
  ///
  /// Throws ``PostgresError`` with `slotExists` where there is one of this name, and `slotsExhausted` where the server
  /// has no room for more.
  public func createPhysicalSlot(_ name: String, lifetime: SlotLifetime = .permanent) async throws {
    let kind = lifetime == .temporary ? "TEMPORARY PHYSICAL" : "PHYSICAL"
    let options = serverVersion.major >= 15 ? "(RESERVE_WAL)" : "RESERVE_WAL"
    _ = try await command(
      "CREATE_REPLICATION_SLOT \(quoted(name)) \(kind) \(options)", during: "creating replication slot \(name)")
  }

  /// The physical slot called `name`; nil where there is none.
  ///
  /// Servers before 15 have no command for it: there a short SQL connection to the settings' database is made.
  public func readSlot(_ name: String) async throws -> ReplicationSlot? {
    let operation = "reading replication slot \(name)"
    guard serverVersion.major >= 15 else { return try await readSlotBySQL(name) }
    let result = try await command("READ_REPLICATION_SLOT \(quoted(name))", during: operation)
    guard let row = result.rows.first else { throw Self.unexpected("READ_REPLICATION_SLOT", result) }
    guard row["slot_type"] != nil else { return nil }
    return ReplicationSlot(
      name: name, restartLSN: row["restart_lsn"].flatMap { LSN($0) },
      restartTimeline: row["restart_tli"].flatMap { UInt32($0) }.map { TimelineID($0) })
  }

  /// Drops the slot called `name`.
  ///
  /// Throws ``PostgresError`` with `slotMissing` where there is none, and `slotInUse` while somebody streams from it.
  public func dropSlot(_ name: String) async throws {
    _ = try await command("DROP_REPLICATION_SLOT \(quoted(name))", during: "dropping replication slot \(name)")
  }

  private func readSlotBySQL(_ name: String) async throws -> ReplicationSlot? {
    let result = try await SQLConnection.with(settings) { connection in
      try await connection.query(
        "SELECT slot_type, restart_lsn FROM pg_catalog.pg_replication_slots WHERE slot_name OPERATOR(pg_catalog.=) $1",
        [name])
    }
    guard let row = result.rows.first else { return nil }
    guard row["slot_type"] == "physical" else {
      throw PostgresError(
        .slotUnusable, "replication slot \(name) is a logical one",
        hint: "Choose another slotName, or drop the slot")
    }
    return ReplicationSlot(name: name, restartLSN: row["restart_lsn"].flatMap { LSN($0) }, restartTimeline: nil)
  }

  /// An identifier of the replication grammar.
  func quoted(_ identifier: String) -> String { "\"" + identifier.replacing("\"", with: "\"\"") + "\"" }

  /// A string literal of the replication grammar.
  func literal(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }
}
