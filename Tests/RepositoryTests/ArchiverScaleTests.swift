import Foundation
import NIOCore
import ObjectStore
import Repository
import TestSupport
import Testing

@Suite("Backups of many files, and over the wire")
struct ArchiverScaleTests {
  @Test("20,000 small files are stored and restored in bounded memory")
  func manyFiles() async throws {
    let scratch = try ScratchRepository()
    try await OddTree.shell(
      #"""
      set -e; mkdir -p "$1/source"; cd "$1/source"
      for d in $(seq 200); do mkdir $d; head -c 100000 /dev/urandom | split -a 3 -b 1000 - $d/file-; done
      """#, scratch.path)
    let repository = try await scratch.create()
    resetPeak()
    let before = peakKiB()
    let report = try await Archiver(repository: repository).archive(
      ByteString(scratch.path + "/source"), as: SnapshotDescription(paths: ["/source"]))
    #expect(report.progress.filesNew == 20_000)
    #expect(report.progress.bytesRead == 20_000_000)
    var options = Restorer.Options()
    options.durability = .handedOver
    _ = try await Restorer(repository: repository, options: options).restore(
      report.snapshot, to: ByteString(scratch.path + "/restored"))
    let growth = peakKiB() - before
    print("20,000 files: peak memory grew by \(growth >> 10) MiB")
    #expect(growth < 128 << 10)
    try await OddTree.shell(#"diff -r "$1/source" "$1/restored""#, scratch.path)
  }

  @Test("over S3, a directory goes into a snapshot that restic checks, and comes back")
  func overS3() async throws {
    let server = try await TestServers.s3()
    let bucket = try await server.makeBucket("files")
    let store = try S3Store(
      configuration: S3Configuration(
        endpoint: try S3Endpoint(url: server.endpoint, region: server.region), bucket: bucket),
      credentials: S3Credentials(accessKeyID: server.keys.accessKey, secretAccessKey: server.keys.secretKey))
    let scratch = try ScratchRepository()
    let source = scratch.path + "/source"
    try await OddTree.make(at: source)
    let repository = try await Repository.create(
      in: store.scoped(to: "a/prefix"), password: RepositoryPassword("secret"), options: ScratchRepository.quick)
    let snapshot = try await Archiver(repository: repository).archive(
      ByteString(source), as: SnapshotDescription(paths: [source])
    ).snapshot
    _ = try await Restorer(repository: repository).restore(snapshot, to: ByteString(scratch.path + "/restored"))
    #expect(try await OddTree.listing(of: scratch.path + "/restored") == OddTree.listing(of: source))
    let outcome = try await Program(
      path: "/usr/bin/restic",
      arguments: ["--no-cache", "-r", "s3:\(server.endpoint)/\(bucket)/a/prefix", "check", "--read-data"],
      environment: server.environment.merging(["RESTIC_PASSWORD": "secret"]) { $1 }
    ).run()
    #expect(outcome.status == 0, "\(outcome.output)")
    await store.shutdown()
  }

  private func resetPeak() { try? Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs")) }

  private func peakKiB() -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
    return Int(line.split(separator: " ").dropFirst().first ?? "") ?? 0
  }
}
