import NIOCore
import ObjectStore
import Repository

/// The files that PostgreSQL asks for while it recovers along a lineage.
struct LineageFiles: Sendable {
  let catalog: WALCatalog
  let lineage: Lineage
  /// What is other in these files than in the archive.
  let edits: [WALEdit]

  init(_ configuration: WALFetch.Configuration, _ store: any ObjectStore, _ key: RepositoryKey) {
    catalog = WALCatalog(store: store, key: key, tree: IncarnationTree([]))
    (lineage, edits) = (configuration.lineage, configuration.edits ?? [])
  }

  /// The file's bytes; nil where the lineage has no such file.
  ///
  /// A segment that is not whole is filled up with zeros, which PostgreSQL takes for the end of the log. Only timelines
  /// of the lineage exist here: of others PostgreSQL must not know, or it would skip their numbers when it promotes.
  func bytes(_ file: String) async throws -> ByteBuffer? {
    if let timeline = TimelineHistory.timeline(ofFileName: file) {
      guard let piece = lineage.piece(of: timeline), timeline.number > 1 else { return nil }
      return try await archive(piece).historyFile(timeline)
    }
    guard let name = WALSegmentName(file, size: lineage.segmentSize) else { return nil }
    return try await segment(name)
  }

  /// The file of a segment of which the archive has all; nil where it has none or a part.
  ///
  /// Only such a file may be kept until it is asked for: a part grows while its server lives, and PostgreSQL reads the last
  /// record that it found once more, from the file that it is given then. Were that an older and shorter one, it would
  /// end with a PANIC.
  func wholeSegment(_ name: WALSegmentName) async throws -> ByteBuffer? { try await segment(name, orPart: false) }

  private func segment(_ name: WALSegmentName, orPart: Bool = true) async throws -> ByteBuffer? {
    guard let piece = lineage.piece(of: name.timeline), piece.to.map({ name.start < $0 }) ?? true else { return nil }
    let archive = archive(piece)
    guard var bytes = try await orPart ? stored(name, in: archive) : archive.segment(name) else { return nil }
    if let to = piece.to, to < name.end {
      // What follows is of the life that went on there.
      let kept = Int(to - name.start)
      bytes.setRepeatingByte(0, count: bytes.readableBytes - kept, at: bytes.readerIndex + kept)
    }
    edits.apply(to: &bytes, of: name)
    return bytes
  }

  private func stored(_ name: WALSegmentName, in archive: WALArchive) async throws -> ByteBuffer? {
    // It may become whole, and its parts vanish, between one look and the next.
    for _ in 0..<2 {
      if let whole = try await archive.segment(name) { return whole }
      guard var beginning = try await archive.beginning(of: name)?.bytes else { continue }
      beginning.writeRepeatingByte(0, count: Int(name.size.bytes) - beginning.readableBytes)
      return beginning
    }
    return nil
  }

  private func archive(_ piece: Lineage.Piece) -> WALArchive {
    catalog.archive(piece.incarnation, lineage.segmentSize)
  }
}
