import Steps
import TestSupport
import Testing
import TidemarkAPI

@Suite("A fence keeps clients out of a server")
struct FenceTests {
  private static func fence(_ postgres: TestPostgres, asReplication: Bool = false) -> Fence {
    let server = ServerInput(
      host: postgres.host, port: postgres.port, database: "postgres", sslMode: .prefer, usernameFile: "secrets/user",
      passwordFile: "secrets/password")
    let (user, password) =
      asReplication
      ? (postgres.replicationUser, postgres.replicationPassword) : (postgres.superuser, postgres.superuserPassword)
    return Fence(server: server, secrets: ["user": Array(user.utf8), "password": Array(password.utf8)])
  }

  private static func with(_ body: (TestPostgres, Fence) async throws -> Void) async throws {
    let postgres = try await TestPostgres.start { $0.settings["max_prepared_transactions"] = "2" }
    try await postgres.psql("CREATE DATABASE shop", "CREATE DATABASE closed ALLOW_CONNECTIONS false")
    try await body(postgres, fence(postgres))
    try await postgres.remove()
  }

  @Test("closed, a server takes no client; opened, it takes them, and what another had closed stays so")
  func closesAndOpens() async throws {
    try await Self.with { postgres, fence in
      let before = try await fence.look()
      #expect(before.openDatabases == ["postgres", "shop"] && before.mayClose && before.endOfLog == nil)
      try await fence.close(before.openDatabases)
      let after = try await fence.look()
      #expect(after.openDatabases.isEmpty && after.endOfLog != nil)
      await #expect(throws: (any Error).self) { try await postgres.psql("SELECT 1", database: "shop") }
      try await fence.open()
      #expect(try await postgres.psql("SELECT 1", database: "shop") == "1")
      #expect(try await fence.look().openDatabases == ["postgres", "shop"])
      #expect(try await postgres.psql("SELECT count(*) FROM pg_db_role_setting WHERE setrole = 0") == "0")
    }
  }

  @Test("it tells what of a role and its database a server lacks")
  func lack() async throws {
    try await Self.with { postgres, fence in
      func role(_ name: String, _ database: String = "shop") -> InstanceRole {
        InstanceRole(username: name, password: "", database: database)
      }
      try await postgres.psql("CREATE ROLE reader LOGIN")
      #expect(try await fence.lack(for: role(postgres.replicationUser)) == nil)
      #expect(try await fence.lack(for: role(postgres.superuser, "closed")) == nil)
      #expect(try await fence.lack(for: role("staging")) == "the role 'staging'")
      #expect(try await fence.lack(for: role("reader")) == "LOGIN and REPLICATION of the role 'reader'")
      #expect(try await fence.lack(for: role(postgres.superuser, "toys")) == "the database 'toys'")
    }
  }

  @Test("a transaction goes on until it is ended, an idle session ends at once, and the log ends after both")
  func drains() async throws {
    try await Self.with { postgres, fence in
      try await postgres.psql("CREATE TABLE t (id int)", database: "shop")
      let busy = try postgres.startClient(
        "psql", "-X", "-q", "-d", "shop", "-c", "BEGIN; INSERT INTO t VALUES (1); SELECT pg_sleep(120)")
      try await eventually(within: .seconds(20), "a transaction is open") { try await fence.look().busyClients == 1 }
      try await fence.close(["shop", "postgres"])
      try await fence.end(.idle)
      let draining = try await fence.look()
      #expect(draining.busyClients == 1 && draining.endOfLog == nil && busy.isRunning)
      try await fence.end(.all)
      _ = try await busy.wait(within: .seconds(20))
      let quiet = try await eventually(within: .seconds(20), "nobody is left") { () -> Fence.View? in
        let view = try await fence.look()
        return view.endOfLog == nil ? nil : view
      }
      #expect(quiet.busyClients == 0)
      try await fence.open()
      #expect(try await postgres.psql("SELECT count(*) FROM t", database: "shop") == "0")
    }
  }

  @Test("prepared transactions are told, and a role that is no superuser may not close")
  func tells() async throws {
    try await Self.with { postgres, fence in
      try await postgres.psql("BEGIN; CREATE TABLE p (id int); PREPARE TRANSACTION 'half'", database: "shop")
      #expect(try await fence.look().preparedTransactions == ["half"])
      #expect(try await Self.fence(postgres, asReplication: true).look().mayClose == false)
    }
  }
}
