import Foundation
import NIOCore
import ObjectStore
import Repository
import Testing

@Suite("Local directories in and out of snapshots, beside restic")
struct ArchiverTests {
  private func archive(
    _ path: String, in repository: Repository, parent: Snapshot? = nil, _ placement: Archiver.Placement = .atRoot
  ) async throws -> ArchiveReport {
    var options = Archiver.Options()
    options.placement = placement
    return try await Archiver(repository: repository, options: options).archive(
      ByteString(path), as: SnapshotDescription(paths: [path]), parent: parent)
  }

  @Test("restic checks what we store, and restores bytes, modes, owners, times, links, attributes and odd names")
  func resticReadsOurs() async throws {
    let scratch = try ScratchRepository()
    let source = scratch.path + "/source"
    try await OddTree.make(at: source)
    let report = try await archive(source, in: try await scratch.create())
    #expect(report.problems == [])
    try await scratch.restic("check", "--read-data")
    try await scratch.restic("restore", "latest", "--target", scratch.path + "/restored")
    // restic 0.14 cannot hold a link target that is not UTF-8; what it makes of ours is its own affair.
    let oddLink = "\(scratch.path)/restored/odd link"
    try await OddTree.shell(#"rm -f "$1"; ln -s $'not utf8 \xff' "$1""#, oddLink)
    try await OddTree.shell(#"touch -h -r "$1/source/odd link" "$1/restored/odd link""#, scratch.path)
    #expect(
      try await OddTree.listing(of: scratch.path + "/restored") == OddTree.listing(of: source))
    try await OddTree.shell(#"cd "$1/restored" && [ first -ef second ] && [ first -ef directory/third ]"#, scratch.path)
  }

  @Test("we list and restore what restic stored in our repository")
  func weReadRestics() async throws {
    let scratch = try ScratchRepository()
    let source = scratch.path + "/source"
    try await OddTree.make(at: source)
    // restic 0.14 does not keep it.
    try await OddTree.shell(#"rm "$1/odd link""#, source)
    let repository = try await scratch.create()
    try await scratch.restic("backup", source)
    let snapshot = try #require(try await repository.snapshots().last)
    try await repository.loadIndex()
    let reader = SnapshotReader(snapshot, in: repository)
    #expect(try await reader.entries(of: ByteString(source))?.map(\.name).contains("new\nline") == true)
    let report = try await Restorer(repository: repository).restore(
      snapshot, path: ByteString(source), to: ByteString(scratch.path + "/restored"))
    #expect(report.problems == [])
    #expect(
      try await OddTree.listing(of: scratch.path + "/restored") == OddTree.listing(of: source))
  }

  @Test("we restore what we stored: everything of it, with hard links, and holes where the zeros were")
  func roundTrip() async throws {
    let scratch = try ScratchRepository()
    let source = scratch.path + "/source"
    try await OddTree.make(at: source)
    let repository = try await scratch.create()
    let report = try await archive(source, in: repository)
    let restored = try await Restorer(repository: repository).restore(
      report.snapshot, to: ByteString(scratch.path + "/restored"))
    #expect(restored.problems == [])
    #expect(
      try await OddTree.listing(of: scratch.path + "/restored") == OddTree.listing(of: source))
    try await OddTree.shell(
      #"cd "$1/restored" && [ first -ef second ] && [ first -ef directory/third ] && [ empty-first -ef empty-second ]"#
        + #" && [ "$(stat -c %b sparse)" -lt 1024 ] && [ "$(stat -c %b zeros)" -lt 1024 ]"#, scratch.path)
  }

  @Test("after restic stored a directory, we store the same pieces: nothing but trees is new")
  func samePieces() async throws {
    let scratch = try ScratchRepository()
    let repository = try await scratch.create()
    try scratch.write(noise(30 << 20, seed: 1).readableBytesView, to: "source/noise")
    try scratch.write(prose(10 << 20, seed: 2).readableBytesView, to: "source/prose")
    try await scratch.restic("backup", scratch.path + "/source")
    let before = try await dataBlobs(repository)
    _ = try await archive(scratch.path + "/source", in: repository)
    #expect(try await dataBlobs(repository) == before)
    #expect(before > 20)
  }

  @Test("restic finds our files unchanged when our snapshot is its parent, and we find its files unchanged")
  func parents() async throws {
    let scratch = try ScratchRepository()
    let source = scratch.path + "/source"
    try await OddTree.make(at: source)
    let repository = try await scratch.create()
    let ours = try await archive(source, in: repository, .atItsPath).snapshot
    let id = try #require(ours.id)
    let output = try await scratch.restic("backup", "--parent", "\(id)", "--verbose", source)
    #expect(output.contains("Files:           0 new,     0 changed"), "\(output)")
    let theirs = try #require(try await repository.snapshots().last { $0.id != id })
    let again = try await archive(source, in: repository, parent: theirs, .atItsPath)
    #expect(again.progress.filesNew == 0)
    #expect(again.progress.filesChanged == 0)
    #expect(again.progress.bytesRead == 0)
    #expect(again.progress.filesUnmodified > 20)
  }

  @Test("a second backup reads changed files only, and one of the same tree stores nothing")
  func unchanged() async throws {
    let scratch = try ScratchRepository()
    let repository = try await scratch.create()
    for number in 0..<300 {
      try scratch.write(noise(2000, seed: UInt64(number)).readableBytesView, to: "source/\(number % 7)/\(number)")
    }
    let first = try await archive(scratch.path + "/source", in: repository)
    let second = try await archive(scratch.path + "/source", in: repository, parent: first.snapshot)
    #expect(second.snapshot.tree == first.snapshot.tree)
    #expect(second.progress.bytesRead == 0)
    try scratch.write(Array("changed".utf8), to: "source/3/3")
    try scratch.write(Array("new".utf8), to: "source/3/new")
    let third = try await archive(scratch.path + "/source", in: repository, parent: second.snapshot)
    #expect(third.progress.filesChanged == 1)
    #expect(third.progress.filesNew == 1)
    #expect(third.progress.bytesRead == 10)
    try await scratch.restic("check", "--read-data")
  }

  @Test("a file that changes while it is read is noted, and the backup goes on")
  func changing() async throws {
    let scratch = try ScratchRepository()
    try scratch.write(noise(40 << 20, seed: 1).readableBytesView, to: "source/growing")
    try scratch.write(Array("quiet".utf8), to: "source/quiet")
    let path = scratch.path + "/source/growing"
    var options = Archiver.Options()
    options.progress = { progress in
      // Called between two pieces of the large file.
      guard progress.bytesRead > 5, let file = FileHandle(forWritingAtPath: path) else { return }
      file.seekToEndOfFile()
      file.write(Data([1]))
      try? file.close()
    }
    let report = try await Archiver(repository: try await scratch.create(), options: options).archive(
      ByteString(scratch.path + "/source"), as: SnapshotDescription(paths: ["/source"]))
    #expect(report.problems.map(\.kind) == [.changedWhileRead])
    #expect(report.problems.first?.path == ByteString(path))
    #expect(report.progress.filesNew == 2)
    try await scratch.restic("check", "--read-data")
  }

  @Test("a socket is left out and noted")
  func socket() async throws {
    let scratch = try ScratchRepository()
    try scratch.write([1], to: "source/file")
    try await OddTree.shell(
      #"cd "$1" && perl -e 'use IO::Socket::UNIX; IO::Socket::UNIX->new(Local => "socket", Listen => 1) or die'"#,
      scratch.path + "/source")
    let report = try await archive(scratch.path + "/source", in: try await scratch.create())
    #expect(report.problems.map(\.kind) == [.socket])
  }
}
