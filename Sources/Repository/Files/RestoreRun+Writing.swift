import NIOCore
import NIOPosix

/// How the collected blobs get into their files.
extension RestoreRun {
  /// Opened blobs wait until they are so many bytes, so that a thread is asked rarely.
  private static let groupBytes = 2 << 20

  private typealias Group = [(use: RestoreWindow.Use, blob: ByteBuffer)]

  /// Writes all that `window` has collected, then links and directories' attributes; it is empty afterwards.
  func carryOut(_ window: inout RestoreWindow) async throws {
    let finished = window
    window = RestoreWindow()
    if !finished.uses.isEmpty {
      let plan = try repository.readPlan(.data, finished.uses.lazy.map(\.id))
      let uses = finished.sortedUses()
      let budget = ByteBudget(capacity: repository.options.byteBudget)
      try await withThrowingTaskGroup(of: Void.self) { group in
        var limit = ReaderLimit(most: max(1, options.connections))
        for read in plan {
          try await limit.start(in: &group) { [self] in try await carryOut(read, uses, budget) }
        }
        try await group.waitForAll()
      }
    }
    let problems = try await threads.runIfActive { [target] in
      var problems = [String]()
      for file in finished.emptyFiles {
        problems += target.setAttributes(file.attributes, of: try target.openFile(file.path), path: file.path)
      }
      for link in finished.links { try target.link(link.path, to: link.original) }
      for directory in finished.directories {
        let descriptor = try target.openDirectory(directory.path)
        problems += target.setAttributes(directory.attributes, of: descriptor, path: directory.path)
      }
      return problems
    }
    note(problems)
  }

  /// Fetches a stretch of a pack, opens its blobs, and writes them.
  private func carryOut(_ read: PackRead, _ uses: RestoreUses, _ budget: ByteBudget) async throws {
    let largest = read.blobs.reduce(0) { max($0, $1.location.plaintextLength) }
    let held = try await budget.acquire(read.byteCount + Self.groupBytes + largest)
    defer { budget.release(held) }
    let bytes = try await repository.packBytes(read.pack, read.range)
    var group = Group()
    var groupBytes = 0
    for wanted in read.blobs {
      let start = Int(wanted.location.range.lowerBound - read.range.lowerBound)
      let blob = try bytes.withUnsafeReadableBytes { range in
        try repository.openBlob(
          UnsafeRawBufferPointer(rebasing: range[start..<start + Int(wanted.location.length)]), id: wanted.id,
          location: wanted.location)
      }
      group += uses[wanted.id].map { ($0, blob) }
      groupBytes += blob.readableBytes
      if groupBytes >= Self.groupBytes {
        try await write(group)
        group = []
        groupBytes = 0
      }
    }
    try await write(group)
  }

  private func write(_ group: Group) async throws {
    guard !group.isEmpty else { return }
    try await threads.runIfActive { [self] in
      // Neighbours of one file follow each other already, but for blobs that have several uses.
      var position = 0
      while position < group.count {
        let file = group[position].use.file
        var end = position + 1
        while end < group.count, group[end].use.file === file { end += 1 }
        try write(group[position..<end], to: file)
        position = end
      }
    }
  }

  private func write(_ part: Group.SubSequence, to file: RestoreFile) throws {
    let descriptor = try target.openFile(file.path)
    try file.setLength(descriptor)
    var bytes: Int64 = 0
    for (use, blob) in part {
      try file.write(blob, at: use.offset, to: descriptor)
      bytes += Int64(blob.readableBytes)
    }
    let isComplete = file.note(written: part.count)
    if isComplete { note(target.setAttributes(file.attributes, of: descriptor, path: file.path)) }
    count(files: isComplete ? 1 : 0, bytes: bytes)
  }
}
