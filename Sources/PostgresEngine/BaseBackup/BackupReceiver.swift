import Logging
import NIOCore
import ObjectStore
import Repository

/// Puts the files of a base backup into a snapshot while they arrive, and checks them.
///
/// Used by one task. Nothing is kept of a file but its path, size and checksum, and of the whole the manifest and
/// `postgresql.auto.conf`.
struct BackupReceiver {
  /// The entry that is being received.
  private enum Open {
    case none
    /// A directory, a link, or what is not kept.
    case contentless
    case file(OpenFile)
    /// Kept until the end of the archives, when it is known whether there are tablespaces.
    case configuration(TarEntry, ByteBuffer)
  }

  private struct OpenFile {
    let path: String
    let writer: FileWriter
    var size: Int64 = 0
    var checksum = CRC32C()
    var pages: PageVerifier?
  }

  /// `postgresql.auto.conf` is a few lines; this much is nonsense.
  private static let configurationLimit = 16 << 20

  let writer: SnapshotWriter
  let version: PostgresVersion
  let verifiesPages: Bool
  let segmentSize: WALSegmentSize
  let pieceBytes: Int
  let logger: Logger
  var reporter: ProgressReporter

  private(set) var start: (lsn: LSN, timeline: TimelineID)?
  private(set) var stop: (lsn: LSN, timeline: TimelineID)?
  private(set) var received = ReceivedFiles()
  private(set) var manifest = ByteBuffer()

  private var archive = BackupArchive.base
  private var parser = TarParser()
  private var open = Open.none
  private var configuration: (entry: TarEntry, content: ByteBuffer)?
  private var hasTablespaces = false
  private var watch: TablespaceWatch?
  private var missingDirectories: Set<String> = []

  init(
    writer: SnapshotWriter, version: PostgresVersion, verifiesPages: Bool, segmentSize: WALSegmentSize, pieceBytes: Int,
    logger: Logger, reporter: ProgressReporter
  ) {
    (self.writer, self.version, self.verifiesPages) = (writer, version, verifiesPages)
    self.segmentSize = segmentSize
    (self.pieceBytes, self.logger, self.reporter) = (pieceBytes, logger, reporter)
  }

  mutating func accept(_ event: BaseBackupEvent) async throws {
    switch event {
    case .began(let lsn, let timeline):
      start = (lsn, timeline)
      watch = TablespaceWatch(start: lsn, segmentSize: segmentSize)
    case .announced(let archives, let bytes):
      reporter.progress.bytesTotal = bytes
      hasTablespaces = archives.count > 1
    case .archiveBegan(let archive):
      self.archive = archive
      parser = TarParser()
      if case .tablespace = archive { missingDirectories.insert(archive.prefix) }
    case .archiveData(let bytes): try await receive(bytes)
    case .archiveEnded: try parser.finish()
    case .manifestData(let bytes): manifest.writeImmutableBuffer(bytes)
    case .warning(let report):
      logger.warning("PostgreSQL: \(report.message)", metadata: ["sqlstate": "\(report.sqlState)"])
    case .ended(let lsn, let timeline): stop = (lsn, timeline)
    }
  }

  /// All archives have come: writes what was held back, checks all, and stores the manifest.
  mutating func finish() async throws {
    guard let start, let stop else { throw BaseBackupProtocol.violation("ended before the backup had") }
    guard start.timeline == stop.timeline else { throw BaseBackup.timelineChanged(start.timeline, stop.timeline) }
    try putMissingDirectories()
    try await putConfiguration()
    try received.verify(BackupManifest(manifest))
    try received.verifyWAL(from: start.lsn, to: stop.lsn, timeline: start.timeline, size: segmentSize)
    let file = try writer.file("backup_manifest", NodeAttributes(mode: 0o600, modified: .now, owner: owner))
    try await file.write(manifest)
    try await file.finish()
    reporter.finish()
  }

  private mutating func receive(_ bytes: ByteBuffer) async throws {
    parser.push(bytes)
    while let event = try parser.next() {
      switch event {
      case .entry(let entry): try begin(entry)
      case .content(let content): try await take(content)
      case .endOfEntry: try await end()
      }
    }
  }

  // The owner of the data directory, for what the archives have no entry of.
  private var owner: (userID: UInt32, groupID: UInt32) = (0, 0)

  private mutating func begin(_ entry: TarEntry) throws {
    let path = TablespaceLayout.path(of: entry.path, in: archive)
    let attributes = NodeAttributes(entry)
    open = .contentless
    switch entry.kind {
    case .directory where path == archive.prefix: break
    case .directory:
      missingDirectories.remove(path)
      try writer.directory(ByteString(path), attributes)
    case .symlink where archive == .base && TablespaceLayout.isLink(entry): hasTablespaces = true
    case .symlink(let target): try writer.symlink(ByteString(path), target: ByteString(target), attributes)
    case .file where path == TablespaceLayout.configurationFile: open = .configuration(entry, ByteBuffer())
    case .file: open = .file(try beginFile(path, attributes))
    case .other(let flag):
      throw BaseBackupProtocol.violation("sent '\(path)', an archive entry of the unknown kind \(flag)")
    }
    owner = (entry.userID, entry.groupID)
  }

  private func beginFile(_ path: String, _ attributes: NodeAttributes) throws -> OpenFile {
    let relation = RelationFileName(path: path)
    let cutting: Cutting = relation == nil ? .contentDefined : .fixed(bytes: pieceBytes)
    let pages = relation.flatMap { relation in
      verifiesPages ? start.map { PageVerifier(firstBlock: relation.firstBlock, startLSN: $0.lsn) } : nil
    }
    return OpenFile(path: path, writer: try writer.file(ByteString(path), attributes, cutting: cutting), pages: pages)
  }

  private mutating func take(_ content: ByteBuffer) async throws {
    reporter.add(bytes: content.readableBytes)
    switch open {
    case .none, .contentless: break
    case .configuration(let entry, var held):
      guard held.readableBytes + content.readableBytes <= Self.configurationLimit else {
        throw BaseBackupProtocol.violation("sent a '\(entry.path)' of more than \(Self.configurationLimit) bytes")
      }
      held.writeImmutableBuffer(content)
      open = .configuration(entry, held)
    case .file(var file):
      open = .none
      file.size += Int64(content.readableBytes)
      file.checksum.update(content)
      try watch?.take(content, of: file.path)
      if let bad = file.pages?.check(content) { throw BaseBackup.badPage(bad, in: file.path) }
      try await file.writer.write(content)
      open = .file(file)
    }
  }

  private mutating func end() async throws {
    switch open {
    case .none, .contentless: break
    case .configuration(let entry, let content):
      var checksum = CRC32C()
      checksum.update(content)
      noteReceived(entry.path, size: Int64(content.readableBytes), checksum: checksum)
      configuration = (entry, content)
    case .file(let file):
      try await file.writer.finish()
      noteReceived(file.path, size: file.size, checksum: file.checksum)
    }
    open = .none
  }

  private mutating func noteReceived(_ path: String, size: Int64, checksum: CRC32C) {
    received.add(path, size: size, checksum: checksum)
    reporter.progress.filesDone += 1
  }

  /// The archive of a tablespace does not name the tablespace's own directory. The base archive does from 16 on, for
  /// tablespaces that are in place at the server already.
  private func putMissingDirectories() throws {
    for path in missingDirectories {
      try writer.directory(ByteString(path), NodeAttributes(mode: 0o700, modified: .now, owner: owner))
    }
  }

  private mutating func putConfiguration() async throws {
    let held = configuration?.content ?? ByteBuffer()
    let addition = hasTablespaces ? TablespaceLayout.addition(to: held, version) : nil
    guard configuration != nil || addition != nil else { return }
    let attributes =
      configuration.map { NodeAttributes($0.entry) } ?? NodeAttributes(mode: 0o600, modified: .now, owner: owner)
    let file = try writer.file(ByteString(TablespaceLayout.configurationFile), attributes)
    try await file.write(held)
    if let addition { try await file.write(ByteBuffer(string: addition)) }
    try await file.finish()
  }
}

extension NodeAttributes {
  fileprivate init(_ entry: TarEntry) {
    self.init(
      mode: entry.mode, modified: UnixTime(seconds: entry.modified), userID: entry.userID, groupID: entry.groupID,
      userName: entry.userName, groupName: entry.groupName)
  }

  fileprivate init(mode: UInt32, modified: UnixTime, owner: (userID: UInt32, groupID: UInt32)) {
    self.init(mode: mode, modified: modified, userID: owner.userID, groupID: owner.groupID)
  }
}
