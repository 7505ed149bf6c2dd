import PostgresEngine
import TestSupport

extension ArchivedDatabase {
  /// Makes what a recovery produced an incarnation, as a clone's step does once it is promoted.
  func adopt(_ server: TestPostgres, _ plan: RecoveryPlan) async throws -> Incarnation {
    let connection = try await ReplicationConnection.connect(self.connection(to: server))
    let system = try await connection.identifySystem()
    let file = try await connection.timelineHistory(system.timeline)
    let size = try await connection.walSegmentSize()
    await connection.close()
    let history = try TimelineHistory(timeline: system.timeline, parsing: file.content)
    return try await Incarnation.fork(
      from: plan, history: history, systemIdentifier: system.systemIdentifier,
      majorVersion: connection.serverVersion.major, segmentSize: size, createdAt: .now
    ).create(in: store)
  }
}

extension ArchivedDatabase {
  /// A streaming standby of the server.
  func standby() async throws -> TestPostgres {
    let directory = try ScratchDirectory("standby")
    let data = directory.file("data")
    try await RunningProgram.run(
      "\(server.binaries)/pg_basebackup", ["-D", data, "-R", "-X", "stream", "-c", "fast"],
      environment: server.environment())
    return try await TestPostgres.serve(dataDirectory: data, from: server)
  }

  /// The root incarnation of what `server` serves.
  func rootOf(_ server: TestPostgres) async throws -> IncarnationID {
    .root(systemIdentifier: UInt64(try await server.psql("SELECT system_identifier FROM pg_control_system()")) ?? 0)
  }
}
