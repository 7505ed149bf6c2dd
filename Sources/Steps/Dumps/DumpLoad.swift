import Logging
import NIOCore
import PostgresEngine
import TidemarkAPI

/// Loads one dump into an empty database by PostgreSQL's own client programs.
///
/// What it loads as, the dump decides: owners and privileges stay as they are in it, so the roles have to be there.
/// Where anything fails, the database is as far as it got: it is to be dropped. An SQL dump is not wrapped in one
/// transaction: pg_dump's own has a `COMMIT` in it where there are large objects, and a large schema would need more
/// locks than a server has; that the database is new makes it all or nothing.
struct DumpLoad {
  let programs: ClientPrograms
  let access: ClientAccess
  let database: String
  let logger: Logger

  /// Loads all of `source`. Throws a ``StepError`` or a ``DumpRefusal`` that says where it failed, or what the source
  /// throws.
  func run(_ source: DumpSource, format asked: DumpFormat?) async throws {
    var stream = source.stream
    var format = try DumpFormat.settle(asked, head: try await stream.head(DumpFormat.headLength), of: source.name)
    if format.isCompression {
      stream = stream.decoded(by: format == .gzip ? try GzipDecoder() : try ZstdDecoder())
      let inside = "the content of \(source.name)"
      format = try DumpFormat.settle(nil, head: try await stream.head(DumpFormat.headLength), of: inside)
      guard !format.isCompression else {
        throw StepError(code: .dumpRefused, message: "\(source.name) is compressed twice; take one compression away")
      }
    }
    logger.info("loading", metadata: ["dump": "\(source.name)", "format": "\(format.rawValue)"])
    switch format {
    case .custom, .tar: try await loadArchive(stream, format)
    case .plain, .gzip, .zstd: try await loadSQL(stream)
    }
  }

  // MARK: SQL

  /// `psql`, kept from carrying out commands of its own by a key that is made here, and stopped at the first error.
  private func loadSQL(_ dump: DumpStream) async throws {
    try programs.requireRestriction()
    let process = ClientProcess(
      program: programs.psql,
      arguments: [
        "--no-psqlrc", "--quiet", "--no-password", "--set", "ON_ERROR_STOP=1", "--set", "VERBOSITY=verbose",
        "--command", "\\restrict \(Self.restrictionKey())", "--file", "-",
      ], environment: access.environment(database: database, encoding: "UTF8"))
    var stream = dump
    var scanner = DumpScanner()
    let ending = try await process.run { input in
      if try await stream.head(3) == [0xef, 0xbb, 0xbf] { stream.skip(3) }
      while let piece = try await stream.next() {
        try Task.checkCancellation()
        let passing = try piece.withUnsafeReadableBytes { bytes throws(DumpRefusal) in try scanner.scan(bytes) }
        for range in passing {
          let view = piece.readableBytesView
          try await input.write(view[(view.startIndex + range.lowerBound)..<(view.startIndex + range.upperBound)])
        }
      }
      try scanner.finish()
    }
    switch ending.code {
    case 0 where ending.readAll: return
    case 0:
      throw StepError(code: .loadFailed, message: "psql ended before the end of the dump, and did not say why")
    case nil: throw LoadFailure.killed("psql")
    default: throw LoadFailure.psql(ending.complaints) { scanner.firstDataLine(ofCopyEndingAt: $0) }
    }
  }

  /// Letters and digits, as `\restrict` wants them. A dump is written before they are drawn.
  private static func restrictionKey() -> String {
    let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    return String((0..<32).map { _ in letters[Int.random(in: letters.indices)] })
  }

  // MARK: Archives

  private func loadArchive(_ dump: DumpStream, _ format: DumpFormat) async throws {
    let process = ClientProcess(
      program: programs.pgRestore,
      arguments: [
        "--no-password", "--exit-on-error", "--format=\(format.rawValue)",
        "--dbname=dbname=\(SQLText.connectionValue(database))",
      ], environment: access.environment(database: database))
    var stream = dump
    let ending = try await process.run { input in
      while let piece = try await stream.next() {
        try Task.checkCancellation()
        try await input.write(piece.readableBytesView)
      }
    }
    switch ending.code {
    // What follows the last data of an archive, pg_restore does not read.
    case 0: return
    case nil: throw LoadFailure.killed("pg_restore")
    default: throw LoadFailure.pgRestore(ending.complaints)
    }
  }
}
