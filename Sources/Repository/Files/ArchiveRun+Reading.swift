import NIOCore
import NIOPosix

/// How the content of files gets into the repository.
extension ArchiveRun {
  /// A file of a batch that has grown beyond this is read piece by piece.
  private static let largestWhole: Int64 = 4 << 20

  /// A small file as it was read: its attributes and its pieces, mostly one.
  private enum Reading: Sendable {
    case read(NodeAttributes, [ByteBuffer])
    /// It has grown so much that it must not be read whole.
    case large
    case failed
  }

  /// Stores files that are small enough to be read whole: all are read first, on a thread, and then saved.
  func storeSmall(_ batch: ArchiveBatch) async throws {
    let readings = try await threads.runIfActive { [self] in batch.files.map { readWhole($0, in: batch.local) } }
    for (file, reading) in zip(batch.files, readings) {
      switch reading {
      case .read(let attributes, let pieces): try await save(pieces, of: file, attributes, in: batch)
      case .large: try await storeLarge(batch.alone(file))
      case .failed: try await settle(batch.directory, file.slot, nil)
      }
    }
  }

  /// Stores one large file: a thread reads and cuts until there is a piece, the piece goes to the pipeline. One that
  /// changes meanwhile is read again, as often as the options say.
  func storeLarge(_ batch: ArchiveBatch) async throws {
    guard let file = batch.files.first else { return }
    let path = batch.local.path.appending(file.name)
    do {
      for reading in 1... {
        guard case .read(let node, let isStill) = try await read(file, in: batch) else {
          note([ArchiveProblem(path: path, kind: .vanished, message: "")])
          return try await settle(batch.directory, file.slot, nil)
        }
        if !isStill, reading < options.readings { continue }
        if !isStill { note([ArchiveProblem(path: path, kind: .changedWhileRead, message: "")]) }
        count(node, inParent: file.inParent)
        return try await settle(batch.directory, file.slot, node)
      }
    } catch let error as RepositoryError where error.code == .fileSystem {
      note([ArchiveProblem(path: path, kind: .unreadable, message: error.message)])
      try await settle(batch.directory, file.slot, nil)
    }
  }

  /// A large file as it was read.
  private enum LargeReading {
    case read(Node, isStill: Bool)
    case vanished
  }

  private func read(_ file: ArchiveBatch.File, in batch: ArchiveBatch) async throws -> LargeReading {
    let cutter = try cutter(for: file.name, in: batch.local)
    guard let local = try await threads.runIfActive({ try LocalFile(file.name, in: batch.local) }) else {
      return .vanished
    }
    let reading = FileReading(file: local, cutter: cutter)
    var content = [BlobID]()
    while let piece = try await threads.runIfActive({ try reading.next() }) {
      content.append(try await writer.save(.data, piece).id)
      count(read: piece.readableBytes)
    }
    let attributes = try await threads.runIfActive { [accounts] in local.attributes(names: accounts) }
    let isStill = try reading.offset >= local.opened.size && !local.hasChanged()
    return .read(
      Node(name: file.name, kind: .file(size: reading.offset, content: content), attributes: attributes),
      isStill: isStill)
  }

  private func save(
    _ pieces: [ByteBuffer], of file: ArchiveBatch.File, _ attributes: NodeAttributes, in batch: ArchiveBatch
  ) async throws {
    var size = 0
    var content = [BlobID]()
    for piece in pieces {
      size += piece.readableBytes
      content.append(try await writer.save(.data, piece).id)
    }
    let node = Node(name: file.name, kind: .file(size: Int64(size), content: content), attributes: attributes)
    count(read: size)
    count(node, inParent: file.inParent)
    try await settle(batch.directory, file.slot, node)
  }

  private func readWhole(_ file: ArchiveBatch.File, in directory: LocalDirectory) -> Reading {
    let path = directory.path.appending(file.name)
    do {
      for attempt in 1... {
        guard let local = try LocalFile(file.name, in: directory) else {
          note([ArchiveProblem(path: path, kind: .vanished, message: "")])
          return .failed
        }
        guard local.opened.size <= Self.largestWhole else { return .large }
        let attributes = local.attributes(names: accounts)
        let reading = FileReading(file: local, cutter: try cutter(for: file.name, in: directory))
        var pieces = [ByteBuffer]()
        while let piece = try reading.next() { pieces.append(piece) }
        let isStill = try reading.offset >= local.opened.size && !local.hasChanged()
        if !isStill, attempt < options.readings { continue }
        if !isStill { note([ArchiveProblem(path: path, kind: .changedWhileRead, message: "")]) }
        return .read(attributes, pieces)
      }
      return .failed
    } catch {
      note([ArchiveProblem(path: path, kind: .unreadable, message: (error as? RepositoryError)?.message ?? "\(error)")])
      return .failed
    }
  }

  private func cutter(for name: ByteString, in directory: LocalDirectory) throws -> PieceCutter {
    try PieceCutter(options.cutting(directory.relativePath.appending(name)), tables: tables)
  }
}
