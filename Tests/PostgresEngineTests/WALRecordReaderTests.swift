import Foundation
import NIOCore
import PostgresEngine
import TestSupport
import Testing

@Suite("Reading WAL records", .serialized)
struct WALRecordReaderTests {
  @Test("commits, aborts and restore points are those that pg_waldump finds, however the bytes are cut")
  func likeWaldump() async throws {
    let server = try await TestPostgres.start { $0.settings = ["max_prepared_transactions": "5"] }
    let begin = try await server.psql("SELECT pg_switch_wal()", "SELECT pg_current_wal_lsn()")
    try await server.pgbench("-i", "-s", "3", "-q")
    try await server.pgbench("-t", "200", "-c", "4", "-n")
    try await server.psql(
      "CREATE TABLE p (i int)", "BEGIN; INSERT INTO p VALUES (1); ROLLBACK",
      "BEGIN; INSERT INTO p VALUES (2); SAVEPOINT a; INSERT INTO p VALUES (3); DROP TABLE pgbench_history; "
        + "CREATE TABLE q (i int); PREPARE TRANSACTION 'one'", "COMMIT PREPARED 'one'",
      "BEGIN; INSERT INTO p VALUES (4); PREPARE TRANSACTION 'two'", "ROLLBACK PREPARED 'two'",
      "SELECT pg_create_restore_point('a point')", "SELECT pg_switch_wal()", "INSERT INTO p VALUES (5)")
    let end = try await server.psql("SELECT pg_current_wal_flush_lsn()")
    let from = try #require(LSN(begin.split(separator: "\n").last ?? ""))
    let to = try #require(LSN(end))
    let size = WALSegmentSize.standard
    let start = size.start(of: from)

    var bytes = ByteBuffer()
    var name = WALSegmentName(timeline: TimelineID(1), containing: start, size: size)
    while name.start < to {
      let file = try Data(contentsOf: URL(fileURLWithPath: "\(server.dataDirectory)/pg_wal/\(name)"))
      bytes.writeBytes(file.prefix(Int(min(size.bytes, to - name.start))))
      name = name.next
    }
    let whole = try read(bytes, from: start) { _ in Int.max }
    let bits = try read(bytes, from: start) { _ in Int.random(in: 1...50) }
    let pieces = try read(bytes, from: start) { _ in Int.random(in: 1...100_000) }
    #expect(whole == bits)
    #expect(whole == pieces)
    #expect(!whole.isEmpty)

    let dump = try await RunningProgram.run(
      "\(server.binaries)/pg_waldump",
      ["-p", "\(server.dataDirectory)/pg_wal", "-s", "\(start)", "-e", "\(to)", "-r", "Transaction"])
    let expected = dump.output.split(separator: "\n").compactMap(Self.transaction)
    let found = whole.compactMap { record -> String? in
      switch record.kind {
      case .commit(let xid, _): "commit \(xid) at \(record.start)"
      case .abort(let xid, _): "abort \(xid) at \(record.start)"
      default: nil
      }
    }
    #expect(found == expected)
    #expect(whole.contains { if case .restorePoint("a point", _) = $0.kind { true } else { false } })

    // One bit anywhere in the middle of a record is noticed.
    for _ in 0..<20 {
      var damaged = bytes
      let position = Int(whole[whole.count / 2].start - start) + Int.random(in: 24..<34)
      let byte = try #require(damaged.getInteger(at: position, as: UInt8.self))
      damaged.setInteger(byte ^ 0x10, at: position)
      #expect(throws: WALFormatError.self) { try read(damaged, from: start) { _ in Int.max } }
    }

    let clock = ContinuousClock()
    let duration = try clock.measure { _ = try read(bytes, from: start) { _ in 131_072 } }
    let seconds = Double(duration.components.attoseconds) / 1e18 + Double(duration.components.seconds)
    let rate = Double(bytes.readableBytes) / 1e6 / seconds
    print("WALRecordReader: \(Int(rate)) MB/s of \(bytes.readableBytes >> 20) MiB")
    #expect(rate > 300, "MB/s")
    try await server.remove()
  }

  private func read(_ bytes: ByteBuffer, from start: LSN, _ cut: (Int) -> Int) throws -> [WALRecord] {
    var reader = WALRecordReader(start: start, segmentSize: .standard)
    var (rest, records): (ByteBuffer, [WALRecord]) = (bytes, [])
    while rest.readableBytes > 0 {
      guard let piece = rest.readSlice(length: min(rest.readableBytes, cut(rest.readableBytes))) else { break }
      records += try reader.feed(piece)
    }
    return records
  }

  /// `commit 731 at 0/1500028` of a line of pg_waldump.
  private static func transaction(_ line: Substring) -> String? {
    guard let lsn = word(after: "lsn: ", in: line), let kind = word(after: "desc: ", in: line),
      kind.hasPrefix("COMMIT") || kind.hasPrefix("ABORT") || kind.hasPrefix("ROLLBACK"), LSN(lsn) != nil
    else { return nil }
    // Of a prepared transaction, the description begins with its number.
    let prepared = kind.hasSuffix("_PREPARED") ? word(after: "\(kind) ", in: line) : nil
    guard let xid = (prepared ?? word(after: "tx: ", in: line)).flatMap({ UInt32($0) }) else { return nil }
    return "\(kind.hasPrefix("COMMIT") ? "commit" : "abort") \(xid) at \(LSN(lsn)?.description ?? "")"
  }

  private static func word(after marker: String, in line: Substring) -> String? {
    line.range(of: marker).flatMap { range in
      line[range.upperBound...].split(whereSeparator: { " ,:".contains($0) }).first.map(String.init)
    }
  }
}
