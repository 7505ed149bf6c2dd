/// Files of one directory that are read together.
struct ArchiveBatch: Sendable {
  struct File: Sendable {
    let slot: Int
    let name: ByteString
    let inParent: Bool
  }

  let directory: PendingDirectory
  let local: LocalDirectory
  private(set) var files: [File] = []
  private(set) var bytes: Int64 = 0

  init(directory: PendingDirectory, local: LocalDirectory) {
    self.directory = directory
    self.local = local
  }

  /// A batch of `file` only.
  func alone(_ file: File) -> ArchiveBatch {
    var batch = ArchiveBatch(directory: directory, local: local)
    batch.files = [file]
    return batch
  }

  mutating func add(slot: Int, name: ByteString, size: Int64, inParent: Bool) {
    files.append(File(slot: slot, name: name, inParent: inParent))
    bytes += size
  }

  /// The batch as it is; this one is empty afterwards.
  mutating func take() -> ArchiveBatch {
    let taken = self
    files = []
    bytes = 0
    return taken
  }
}
