/// What arrived of a base backup, file by file, to be held against the server's manifest.
package struct ReceivedFiles: Sendable {
  private struct File {
    let size: Int64
    let checksum: UInt32
  }

  private var files: [String: File] = [:]
  /// Bytes of all files.
  package private(set) var bytes: Int64 = 0

  package init() {}

  /// The number of files.
  package var count: Int { files.count }

  /// Notes a file that arrived whole.
  package mutating func add(_ path: String, size: Int64, checksum: CRC32C) {
    files[path] = File(size: size, checksum: checksum.value)
    bytes += size
  }

  /// Compares with the manifest: each of its files arrived, with its size and its checksum, and nothing else did but
  /// WAL, which manifests don't list. Throws ``PostgresError``.
  package func verify(_ manifest: BackupManifest) throws {
    var unlisted = Set(files.keys)
    for listed in manifest.files {
      guard let file = files[listed.path] else {
        throw PostgresError(
          .backupIncomplete, "the file '\(listed.path)' is in the server's manifest, but did not arrive",
          hint: "Take the backup again")
      }
      guard file.size == listed.size, Self.text(file.checksum) == listed.checksum.lowercased() else {
        throw PostgresError(
          .backupCorrupted,
          "the file '\(listed.path)' arrived as \(file.size) bytes with CRC-32C \(Self.text(file.checksum)); the server "
            + "sent \(listed.size) bytes with \(listed.checksum)",
          hint: "Take the backup again; if it happens again, check network and memory of both machines")
      }
      unlisted.remove(listed.path)
    }
    if let surplus = unlisted.filter({ !$0.hasPrefix("pg_wal/") }).min() {
      throw PostgresError(
        .backupCorrupted, "the file '\(surplus)' arrived, but is not in the server's manifest",
        hint: "Take the backup again")
    }
  }

  /// Checks that the WAL between the two points came along. Throws ``PostgresError``.
  package func verifyWAL(from start: LSN, to stop: LSN, timeline: TimelineID, size: WALSegmentSize) throws {
    var segment = WALSegmentName(timeline: timeline, containing: start, size: size)
    while segment.start < stop {
      guard let file = files["pg_wal/\(segment)"], file.size == Int64(size.bytes) else {
        throw PostgresError(
          .backupIncomplete,
          "WAL segment \(segment), which the backup needs to become consistent, did not come with it",
          hint: "Take the backup again; a larger wal_keep_size keeps WAL longer")
      }
      segment = segment.next
    }
  }

  /// As the manifest writes it: byte by byte, the one of least weight first.
  private static func text(_ checksum: UInt32) -> String {
    (0..<4).map { shift in
      let byte = String(UInt8(truncatingIfNeeded: checksum >> UInt32(8 * shift)), radix: 16)
      return byte.count == 1 ? "0" + byte : byte
    }.joined()
  }
}
