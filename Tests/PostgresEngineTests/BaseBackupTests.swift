import Foundation
import Logging
import NIOCore
import ObjectStore
import PostgresEngine
import Repository
import TestSupport
import Testing

@Suite("Base backups of a real server", .serialized)
struct BaseBackupTests {
  @Test("a backup under load passes restic check, is restored by restic alone, and PostgreSQL starts from it")
  func roundTrip() async throws {
    try await BackupBench.with { bench in
      let server = bench.server
      try await server.psql("CREATE TABLE marks (n int)", "INSERT INTO marks SELECT generate_series(1, 1000)")
      try await server.pgbench("-i", "-q", "-s", "2")
      let load = try server.startClient("pgbench", "-n", "-T", "60", "-c", "2")
      let record = try await bench.backup()
      _ = try await load.kill()
      #expect(record.startLSN < record.stopLSN)
      #expect(record.startTime < record.stopTime)
      try await bench.restic("check", "--read-data")
      let restored = try await bench.resticRestore(record)
      try await RunningProgram.run("\(server.binaries)/pg_verifybackup", ["-e", restored], environment: [:])
      let copy = try await TestPostgres.serve(dataDirectory: restored, from: server)
      #expect(try await copy.psql("SELECT sum(n) FROM marks") == "500500")
      let sums = """
        SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(delta) FROM pgbench_history)
          AND (SELECT sum(tbalance) FROM pgbench_tellers) = (SELECT sum(bbalance) FROM pgbench_branches)
        """
      #expect(try await copy.psql(sums) == "t")
      try await copy.remove()
    }
  }

  @Test("the snapshot's tags alone tell all that a recovery needs")
  func record() async throws {
    try await BackupBench.with { bench in
      let record = try await bench.backup()
      let snapshots = try await bench.repository.snapshots()
      #expect(snapshots.compactMap { BaseBackupRecord(snapshot: $0) } == [record])
      #expect(record.incarnation == bench.incarnation)
      #expect(record.serverVersion.major == 15)
      #expect(snapshots.allSatisfy { $0.tags.allSatisfy { !$0.contains(",") } })
    }
  }

  @Test("the second backup stores changed pieces only")
  func second() async throws {
    try await BackupBench.with { bench in
      try await bench.server.pgbench("-i", "-q", "-s", "10")
      // Random bytes, so that what is stored is not what compression makes of it.
      try await bench.server.psql(
        "CREATE TABLE filler AS SELECT n, gen_random_uuid() a, gen_random_uuid() b FROM generate_series(1, 400000) n",
        "VACUUM FREEZE", "CHECKPOINT")
      _ = try await bench.backup()
      let first = try bench.storedBytes()
      // About 1.6 % of the pages, side by side as in most real tables.
      try await bench.server.psql("UPDATE filler SET a = gen_random_uuid() WHERE n BETWEEN 1000 AND 6000", "CHECKPOINT")
      _ = try await bench.backup()
      let second = try bench.storedBytes() - first
      #expect(second < first / 5, "first \(first), second \(second)")
      try await bench.restic("check", "--read-data")
    }
  }

  @Test("tablespaces are restored in place, and a restored cluster can be backed up again")
  func tablespace() async throws {
    try await BackupBench.with { bench in
      let server = bench.server
      let place = try ScratchDirectory("space").path
      try await RunningProgram.run("/bin/chown", [server.systemUser, place], environment: [:])
      try await server.psql("CREATE TABLESPACE space LOCATION '\(place)'")
      try await server.psql(
        "CREATE TABLE far (n int) TABLESPACE space", "INSERT INTO far SELECT generate_series(1, 500)")
      let record = try await bench.backup()
      let restored = try await bench.resticRestore(record)
      try await RunningProgram.run("\(server.binaries)/pg_verifybackup", ["-e", restored], environment: [:])
      let copy = try await TestPostgres.serve(dataDirectory: restored, from: server)
      #expect(try await copy.psql("SELECT sum(n) FROM far") == "125250")
      try await copy.psql("INSERT INTO far VALUES (1)", "CHECKPOINT")
      let again = try await bench.resticRestore(try await bench.backup(of: copy))
      try await copy.remove()
      let third = try await TestPostgres.serve(dataDirectory: again, from: server)
      #expect(try await third.psql("SELECT sum(n) FROM far") == "125251")
      // The original's files were never touched.
      #expect(try await server.psql("SELECT sum(n) FROM far") == "125250")
      try await third.remove()
    }
  }

  @Test("a damaged page fails the backup, which names file and block")
  func damagedPage() async throws {
    try await BackupBench.with { bench in
      let server = bench.server
      try await server.psql(
        "CREATE TABLE hurt AS SELECT n, repeat('x', 100) FROM generate_series(1, 1000) n", "CHECKPOINT")
      let path = try await server.psql("SELECT pg_relation_filepath('hurt')")
      try await server.stop()
      let file = try FileHandle(forUpdating: URL(fileURLWithPath: "\(server.dataDirectory)/\(path)"))
      try file.seek(toOffset: 3 * 8192 + 4000)
      try file.write(contentsOf: Data("damage".utf8))
      try file.close()
      try await server.start()
      let error = await #expect(throws: PostgresError.self) { try await bench.backup() }
      #expect(error?.code == .pageCorrupted)
      #expect(error?.message.contains("block 3 of '\(path)'") == true)
      #expect(try await bench.repository.snapshots().isEmpty)
    }
  }

  @Test("another system than the archive's is refused")
  func otherSystem() async throws {
    try await BackupBench.with { bench in
      let error = await #expect(throws: PostgresError.self) { try await bench.backup { $0.systemIdentifier = 1 } }
      #expect(error?.code == .systemMismatch)
    }
  }

  @Test("a cancelled backup leaves no snapshot, and nothing running at the server")
  func cancelled() async throws {
    try await BackupBench.with { bench in
      try await bench.server.pgbench("-i", "-q", "-s", "5")
      let running = Task { try await bench.backup { $0.checkpoint = .spread } }
      let count = "SELECT count(*) FROM pg_stat_replication WHERE application_name = 'tidemark'"
      try await eventually("the backup runs") { try await bench.server.psql(count) == "1" }
      running.cancel()
      await #expect(throws: (any Error).self) { try await running.value }
      try await eventually(within: .seconds(5), "the backup has ended") { try await bench.server.psql(count) == "0" }
      #expect(try await bench.server.psql("SELECT count(*) FROM pg_replication_slots") == "0")
      #expect(try await bench.repository.snapshots().isEmpty)
    }
  }

  @Test("progress never exceeds its total, and ends there")
  func progress() async throws {
    try await BackupBench.with { bench in
      let told = Told()
      let record = try await bench.backup(progress: { told.add($0) })
      let all = told.all
      #expect(all.allSatisfy { $0.bytesDone <= $0.bytesTotal })
      #expect(all.last?.bytesDone == record.logicalBytes)
      #expect(all.last?.bytesTotal == record.logicalBytes)
    }
  }

  @Test("a standby that is promoted during the backup is refused")
  func promoted() async throws {
    try await BackupBench.with { bench in
      let server = bench.server
      try await server.pgbench("-i", "-q", "-s", "10")
      let record = try await bench.backup()
      let directory = try await bench.resticRestore(record)
      try Data().write(to: URL(fileURLWithPath: "\(directory)/standby.signal"))
      let primary =
        "host=\(server.host) port=\(server.port) user=\(server.superuser) password=\(server.superuserPassword)"
      let standby = try await TestPostgres.serve(
        dataDirectory: directory, from: server, settings: ["primary_conninfo": "'\(primary)'"])
      #expect(try await standby.psql("SELECT pg_is_in_recovery()") == "t")
      let promoting = DuringBackup(standby, "SELECT pg_promote(true, 30)")
      let error = await #expect(throws: PostgresError.self) {
        try await bench.backup(of: standby, progress: { promoting.runOnce(after: $0) })
      }
      #expect(error?.code == .timelineChanged)
      #expect(try await bench.repository.snapshots().count == 1)
      try await standby.remove()
    }
  }
}
