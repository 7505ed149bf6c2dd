import Foundation
import NIOCore
import PostgresEngine
import TestSupport

/// What PostgreSQL's own `pg_waldump` says of transactions: an opinion that shares no code with ours.
struct WALDump {
  enum Ending: Equatable { case commit, abort }

  struct Transaction {
    let xid: UInt32
    let ending: Ending
    let time: PostgresTime
    /// Where the record begins, and the position after it, with its padding.
    let start: LSN
    let end: LSN
  }

  /// In the order of the log.
  let transactions: [Transaction]

  /// Reads the files of the log in `directory`, named as PostgreSQL names them, from the first to the last.
  ///
  /// The log need not end with a whole record: pg_waldump says so at its end, and fails.
  init(directory: String, segments: [WALSegmentName], binaries: String) async throws {
    guard let first = segments.first, let last = segments.last else { throw TestFailure("no segments are given") }
    let dump = try RunningProgram.start(
      "\(binaries)/pg_waldump",
      ["-p", directory, "-t", "\(first.timeline.number)", "-r", "Transaction", "\(first)", "\(last)"],
      environment: ["TZ": "UTC"])
    try await dump.wait(within: .seconds(60))
    transactions = try dump.output.split(separator: "\n").compactMap { line in
      try Self.transaction(String(line), segmentBytes: first.size.bytes)
    }
    let rest = dump.errors.split(separator: "\n").filter { !$0.contains("error in WAL record at") }
    guard rest.isEmpty else { throw TestFailure("pg_waldump: \(rest)") }
  }

  /// `rmgr: Transaction len (rec/tot): 34/34, tx: 735, lsn: 0/015A0EE8, prev …, desc: COMMIT 2026-11-23 … UTC; …`. Of
  /// prepared transactions, the number stands in the description: `desc: COMMIT_PREPARED 735: 2026-…`.
  private static func transaction(_ line: String, segmentBytes: UInt64) throws -> Transaction? {
    let pattern =
      #/
      len.\(rec\/tot\):\s+\d+\/\s*(\d+),.tx:\s+(\d+),.lsn:.([0-9A-F]+\/[0-9A-F]+),.*
      desc:.(COMMIT|ABORT)(?:_PREPARED.(\d+):)?.(\d+-\d+-\d+).(\d+:\d+:\d+\.\d+).UTC
      /#
    guard let found = try pattern.firstMatch(in: line)?.output else { return nil }
    guard let length = UInt64(found.1), let xid = UInt32(found.5 ?? found.2), let start = LSN(String(found.3)),
      let time = PostgresTime("\(found.6)T\(found.7)Z")
    else { throw TestFailure("cannot be read: \(line)") }
    return Transaction(
      xid: xid, ending: found.4 == "COMMIT" ? .commit : .abort, time: time, start: start,
      end: end(of: start, length, segmentBytes))
  }

  /// Counts over the headers of the pages that the record crosses (`src/include/access/xlog_internal.h`).
  private static func end(of start: LSN, _ length: UInt64, _ segmentBytes: UInt64) -> LSN {
    var (position, rest) = (start.bytes, length)
    while true {
      let room = 8192 - position % 8192
      position += min(room, rest)
      if rest <= room { return LSN((position + 7) & ~7) }
      rest -= room
      position += position % segmentBytes == 0 ? 40 : 24
    }
  }
}

extension ArchivedDatabase {
  /// All whole segments of the original server's archive, and, where that is asked for, the beginning of the next.
  func dump(withBeginning: Bool = false) async throws -> (segments: [WALSegmentName], dump: WALDump) {
    let catalog = try await catalog()
    let id = try await root
    let inventories = try await catalog.inventories(of: id)
    let lineage = try await catalog.lineage(of: id, inventories, bases: [])
    guard let run = lineage.coverage(inventories).first else { throw TestFailure("the archive is empty") }
    let archive = catalog.archive(id, lineage.segmentSize)
    let directory = try ScratchDirectory("waldump")
    var segments: [WALSegmentName] = []
    for number in run.first...run.last {
      guard let name = lineage.segment(number) else { throw TestFailure("no piece has segment \(number)") }
      var bytes = try await archive.segment(name)
      if bytes == nil, withBeginning, var beginning = try await archive.beginning(of: name)?.bytes {
        beginning.writeRepeatingByte(0, count: Int(name.size.bytes) - beginning.readableBytes)
        bytes = beginning
      }
      guard let bytes else { continue }
      try Data(bytes.readableBytesView).write(to: URL(fileURLWithPath: directory.file(name.description)))
      segments.append(name)
    }
    let dump = try await WALDump(directory: directory.path, segments: segments, binaries: server.binaries)
    directory.remove()
    return (segments, dump)
  }
}
