import Foundation
import PostgresEngine
import Repository
import TestSupport
import Testing

@Suite("Base backups with and without page checksums, and with damage on the way", .serialized)
struct BaseBackupDamageTests {
  /// Found in the table's rows, and nowhere else in the data directory.
  private static let marker = "Tidemark looks for this row"

  private func fill(_ server: TestPostgres) async throws {
    // The checkpoint moves the log of these rows out of what a backup brings along.
    try await server.psql(
      "CREATE TABLE marked AS SELECT n, '\(Self.marker)' AS text FROM generate_series(1, 5000) n",
      "SELECT pg_switch_wal()", "CHECKPOINT")
  }

  @Test("a cluster without page checksums is backed up: its pages are taken as they are")
  func withoutChecksums() async throws {
    try await BackupBench.with {
      $0.checksums = .off
    } _: { bench in
      #expect(try await bench.server.psql("SHOW data_checksums") == "off")
      try await fill(bench.server)
      let record = try await bench.backup()
      try await bench.restic("check", "--read-data")
      let restored = try await bench.resticRestore(record)
      try await RunningProgram.run("\(bench.server.binaries)/pg_verifybackup", ["-e", restored], environment: [:])
      let copy = try await TestPostgres.serve(dataDirectory: restored, from: bench.server)
      #expect(try await copy.psql("SHOW data_checksums", "SELECT sum(n) FROM marked") == "off\n12502500")
      try await copy.remove()
    }
  }

  @Test(
    "one byte of a relation that changed on the way fails the backup, which leaves no snapshot",
    arguments: [TestPostgres.Checksums.on, .off])
  func flippedByte(checksums: TestPostgres.Checksums) async throws {
    try await BackupBench.with {
      $0.checksums = checksums
    } _: { bench in
      let server = bench.server
      try await fill(server)
      let path = try await server.psql("SELECT pg_relation_filepath('marked')")
      let proxy = try await FaultProxy.start(to: server.port)
      proxy.inject(.flipBit(after: Array(Self.marker.utf8), .toClient))
      let error = await #expect(throws: PostgresError.self) { try await bench.backup(through: proxy) }
      // Where pages have checksums, they tell first; the server's manifest tells in any case.
      #expect(error?.code == (checksums == .on ? .pageCorrupted : .backupCorrupted))
      #expect(error?.message.contains(path) == true, "\(error as Any)")
      #expect(try await bench.repository.snapshots().isEmpty)
      proxy.inject(.none)
      try await bench.backup(through: proxy)
      #expect(try await bench.repository.snapshots().count == 1)
      try await proxy.stop()
    }
  }
}
