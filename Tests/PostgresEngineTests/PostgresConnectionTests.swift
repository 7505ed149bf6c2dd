import NIOCore
import PostgresEngine
import TestSupport
import Testing

@Suite("Connections to a real server", .serialized)
struct PostgresConnectionTests {
  @Test("each way of not getting in has its code, says what to do, and never shows the password")
  func refusals() async throws {
    let server = try await TestPostgres.start()
    let right = Self.superuser(server)
    let ways: [(PostgresError.Code, (inout PostgresConnectionSettings) -> Void)] = [
      (.authenticationFailed, { $0.password = "wrong secret" }),
      (.authenticationFailed, { $0.password = nil }),
      (.hostUnknown, { $0.host = "no-such-host.invalid" }),
      (.unreachable, { $0.port = 1 }),
      (.unreachable, { $0.host = "/no/such/directory" }),
      (.databaseMissing, { $0.database = "nowhere" }),
      (.tlsUnavailable, { $0.sslMode = .require }),
    ]
    for (code, change) in ways {
      var settings = right
      change(&settings)
      let error = await #expect(throws: PostgresError.self) { _ = try await SQLConnection.connect(settings) }
      #expect(error?.code == code, "\(error?.description ?? "")")
      #expect(error?.hint != nil)
      #expect(error?.description.contains("secret") == false)
    }
    try await server.remove()
  }

  @Test("a password has no text form")
  func redacted() {
    let settings = PostgresConnectionSettings(host: "h", user: "u", password: "geheim")
    var dumped = ""
    dump(settings, to: &dumped)
    #expect(!"\(settings)".contains("geheim"))
    #expect(!dumped.contains("geheim"))
  }

  @Test("the session speaks UTC and ISO, whatever the server's and the role's settings are")
  func sessionSettings() async throws {
    let server = try await TestPostgres.start { $0.timeZone = "Asia/Tokyo" }
    try await server.psql("ALTER ROLE ALL SET DateStyle = 'German'")
    try await SQLConnection.with(Self.superuser(server)) { connection in
      let text = try await connection.query("SELECT '2026-01-02 03:04:05+00'::timestamptz::text").scalar
      #expect(text == "2026-01-02 03:04:05+00")
    }
    try await server.remove()
  }

  @Test("parameters are not text of the statement, and NULL is nil in both directions")
  func parameters() async throws {
    let server = try await TestPostgres.start()
    try await SQLConnection.with(Self.superuser(server)) { connection in
      let result = try await connection.query("SELECT $1::text AS a, $2::text AS b", ["'; DROP TABLE x", nil])
      #expect(result.rows.first?["a"] == "'; DROP TABLE x")
      #expect(result.rows.first?["b"] == nil)
    }
    try await server.remove()
  }

  @Test("a cancelled statement ends at the server too, and the connection stays usable")
  func cancellation() async throws {
    let server = try await TestPostgres.start()
    let connection = try await SQLConnection.connect(Self.superuser(server))
    let sleeping = Task { try await connection.query("SELECT pg_sleep(60)") }
    let count = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
    try await eventually("it sleeps") { try await server.psql(count) == "1" }
    sleeping.cancel()
    await #expect(throws: CancellationError.self) { try await sleeping.value }
    #expect(try await server.psql(count) == "0")
    #expect(try await connection.query("SELECT 2").scalar == "2")
    await connection.close()
    await #expect(throws: PostgresError.self) { try await connection.query("SELECT 3") }
    try await server.remove()
  }

  @Test("a server that dies gives an error that says the connection broke")
  func serverDies() async throws {
    let server = try await TestPostgres.start()
    let connection = try await SQLConnection.connect(Self.superuser(server))
    let sleeping = Task { try await connection.query("SELECT pg_sleep(60)") }
    let count = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
    try await eventually("it sleeps") { try await server.psql(count) == "1" }
    try await server.kill9()
    let error = await #expect(throws: PostgresError.self) { try await sleeping.value }
    #expect(error?.code == .connectionLost)
    #expect(error?.isTransient == true)
    await connection.close()
    try await server.start()
    try await server.remove()
  }

  @Test("with verify-full only the authority that signed the certificate is trusted, and data flow over TLS")
  func tls() async throws {
    let server = try await TestPostgres.start { $0.tls = .on }
    var settings = Self.superuser(server)
    settings.sslMode = .verifyCA
    settings.caFile = server.caFile
    try await SQLConnection.with(settings) { connection in
      let row = try await connection.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").scalar
      #expect(row == "t")
      // More than libpq's buffers and a TLS record hold.
      #expect(try await connection.query("SELECT repeat('x', 3000000)").scalar?.utf8.count == 3_000_000)
    }
    settings.caFile = nil
    let error = await #expect(throws: PostgresError.self) { _ = try await SQLConnection.connect(settings) }
    #expect(error?.code == .tlsUntrusted)
    try await server.remove()
  }

  @Test("a role without REPLICATION, and a server without walsenders, are told apart")
  func replicationRefused() async throws {
    let server = try await TestPostgres.start { $0.settings["max_wal_senders"] = "1" }
    try await server.psql("CREATE ROLE plain LOGIN PASSWORD 'p'")
    var settings = Self.superuser(server)
    (settings.user, settings.password) = ("plain", "p")
    let plain = await #expect(throws: PostgresError.self) { _ = try await ReplicationConnection.connect(settings) }
    #expect(plain?.code == .notAuthorized)
    // The one place is free again once the server has ended what it refused.
    let first = try await eventually(within: .seconds(30), "the place of a refused connection is free") {
      () -> ReplicationConnection? in
      do {
        return try await ReplicationConnection.connect(Self.superuser(server))
      } catch let error as PostgresError where error.code == .tooManyConnections {
        return nil
      }
    }
    let full = await #expect(throws: PostgresError.self) {
      _ = try await ReplicationConnection.connect(Self.superuser(server))
    }
    #expect(full?.code == .tooManyConnections)
    await first.close()
    try await server.remove()
  }

  @Test("wal_level = minimal is told as what to set")
  func minimal() async throws {
    let server = try await TestPostgres.start {
      $0.settings["wal_level"] = "minimal"
      $0.settings["max_wal_senders"] = "0"
    }
    let error = await #expect(throws: PostgresError.self) {
      _ = try await ReplicationConnection.connect(Self.superuser(server))
    }
    #expect(error?.code == .replicationUnavailable)
    #expect(error?.hint?.contains("wal_level = replica") == true)
    try await server.remove()
  }

  @Test("a slot is created once, read, used by one, and dropped; each refusal has its code")
  func slots() async throws {
    let server = try await TestPostgres.start()
    let connection = try await ReplicationConnection.connect(Self.superuser(server))
    #expect(try await connection.readSlot("one") == nil)
    try await connection.createPhysicalSlot("one")
    #expect(try await connection.readSlot("one")?.restartLSN != nil)
    let twice = await #expect(throws: PostgresError.self) { try await connection.createPhysicalSlot("one") }
    #expect(twice?.code == .slotExists)
    try await connection.dropSlot("one")
    let missing = await #expect(throws: PostgresError.self) { try await connection.dropSlot("one") }
    #expect(missing?.code == .slotMissing)
    await connection.close()
    try await server.remove()
  }

  @Test("streamed WAL arrives without a hole, and the connection takes commands after the stream was finished")
  func walStream() async throws {
    let server = try await TestPostgres.start()
    let connection = try await ReplicationConnection.connect(Self.superuser(server))
    let system = try await connection.identifySystem()
    let start = try await connection.walSegmentSize().start(of: system.flushLSN)
    try await server.psql("CREATE TABLE t AS SELECT n, repeat('x', 100) FROM generate_series(1, 100000) n")
    let target = try await connection.identifySystem().flushLSN
    let stream = connection.startReplication(slot: nil, from: start, timeline: system.timeline)
    var position = start
    while position < target {
      guard case .data(let at, let bytes, _, _) = try await stream.next() else { continue }
      #expect(at == position)
      position = at + UInt64(bytes.readableBytes)
    }
    stream.finish()
    var ended = false
    while !ended { if case .finished = try await stream.next() { ended = true } }
    #expect(try await connection.show("wal_level") == "replica")
    await connection.close()
    try await server.remove()
  }

  @Test("WAL that the server has removed is told as that")
  func removedWAL() async throws {
    let server = try await TestPostgres.start { $0.segmentMegabytes = 1 }
    let connection = try await ReplicationConnection.connect(Self.superuser(server))
    let start = try await connection.identifySystem().flushLSN
    for _ in 0..<4 { try await server.psql("SELECT pg_switch_wal()", "CHECKPOINT") }
    let stream = connection.startReplication(
      slot: nil, from: WALSegmentSize(bytes: 1 << 20)?.start(of: start) ?? start, timeline: TimelineID(1))
    let error = await #expect(throws: PostgresError.self) { _ = try await stream.next() }
    #expect(error?.code == .walRemoved)
    await connection.close()
    try await server.remove()
  }

  @Test("the server's clock is read over the replication protocol")
  func clock() async throws {
    let server = try await TestPostgres.start { $0.timeZone = "America/New_York" }
    let connection = try await ReplicationConnection.connect(Self.superuser(server))
    let before = PostgresTime.now
    let time = try await connection.serverTime()
    #expect(before <= time && time <= PostgresTime.now)
    #expect(try await connection.show("timezone") == "UTC")
    await connection.close()
    try await server.remove()
  }

  static func superuser(_ server: TestPostgres) -> PostgresConnectionSettings {
    PostgresConnectionSettings(
      host: server.host, port: server.port, user: server.superuser,
      password: PostgresPassword(server.superuserPassword))
  }
}
