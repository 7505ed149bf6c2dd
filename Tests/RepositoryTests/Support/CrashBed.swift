import Foundation
import NIOCore
import ObjectStore
import Repository
import TestSupport
import Testing

/// Where the repository of a crash test lies.
enum CrashPlace: String, CaseIterable, Sendable {
  case directory
  case s3
}

/// A repository in a directory or in a bucket, and a directory of files of which some are new in each round.
struct CrashBed {
  let scratch: ScratchRepository
  private let bucket: (server: TestS3, name: String, store: S3Store)?
  /// What the source holds now.
  private(set) var contents: [String: ByteBuffer] = [:]
  /// What the source held when each snapshot was made.
  private(set) var kept: [SnapshotID: [String: ByteBuffer]] = [:]

  private static let prefix = "repo"

  /// Runs `body` with an empty repository.
  static func with(_ place: CrashPlace, _ body: (inout CrashBed) async throws -> Void) async throws {
    let scratch = try ScratchRepository()
    switch place {
    case .directory:
      var bed = CrashBed(scratch: scratch, bucket: nil)
      _ = try await Repository.create(
        in: bed.store, password: RepositoryPassword(scratch.password), options: ScratchRepository.quick)
      try await body(&bed)
    case .s3:
      let server = try await TestServers.s3()
      let name = try await server.makeBucket("crash")
      let store = try S3Store(
        configuration: S3Configuration(
          endpoint: try S3Endpoint(url: server.endpoint, region: server.region), bucket: name, addressing: .path),
        credentials: S3Credentials(accessKeyID: server.keys.accessKey, secretAccessKey: server.keys.secretKey))
      let result: Result<Void, any Error>
      do {
        var bed = CrashBed(scratch: scratch, bucket: (server, name, store))
        try JSONEncoder().encode(server.fixture(name)).write(to: URL(fileURLWithPath: bed.bucketFile))
        _ = try await Repository.create(
          in: bed.store, password: RepositoryPassword(scratch.password), options: ScratchRepository.quick)
        result = .success(try await body(&bed))
      } catch {
        result = .failure(error)
      }
      await store.shutdown()
      try result.get()
    }
  }

  private var store: any ObjectStore {
    if let bucket { bucket.store.scoped(to: Self.prefix) } else { scratch.store }
  }
  private var bucketFile: String { scratch.path + "/bucket.json" }
  private var source: String { scratch.path + "/source" }

  func open() async throws -> Repository {
    let repository = try await Repository.open(
      in: store, password: RepositoryPassword(scratch.password), options: ScratchRepository.quick)
    try await repository.loadIndex()
    return repository
  }

  /// Runs restic on the repository, and expects it to succeed.
  func restic(_ arguments: String...) async throws {
    let root = bucket.map { "s3:\($0.server.endpoint)/\($0.name)/\(Self.prefix)" } ?? scratch.root
    let environment = ["RESTIC_PASSWORD": scratch.password, "RESTIC_PROGRESS_FPS": "0"]
    let outcome = try await Program(
      path: "/usr/bin/restic", arguments: ["--no-cache", "-r", root] + arguments,
      environment: environment.merging(bucket?.server.environment ?? [:]) { $1 }
    ).run()
    #expect(outcome.status == 0, "restic \(arguments): \(outcome.output)")
  }

  /// Changes half of the files, and in round 0 all of them.
  mutating func change(round: Int) throws {
    for file in 0..<8 where round == 0 || (file + round) % 2 == 0 {
      let content = noise(400_000 + 10_000 * file, seed: UInt64(1000 * round + file))
      contents["file-\(file)"] = content
      try scratch.write(content.readableBytesView, to: "source/file-\(file)")
    }
  }

  /// Starts a backup in a process of its own.
  func backup() throws -> RunningProgram {
    let place = bucket == nil ? [scratch.root] : [Self.prefix, "--bucket", bucketFile]
    return try RunningProgram.start(
      try builtProgram("tidemark-fixture"),
      ["repository-backup", "--repository"] + place + [
        "--source", source, "--pack-size", "400000", "--index-interval", "5",
      ], environment: ["TIDEMARK_FIXTURE_PASSWORD": scratch.password])
  }

  /// Expects all snapshots that were there before to be there still, and keeps what the source holds for a new one.
  mutating func keepContents(_ repository: Repository) async throws {
    let present = try await repository.snapshots().compactMap(\.id)
    #expect(Set(kept.keys).isSubset(of: present))
    let new = present.filter { kept[$0] == nil }
    #expect(new.count <= 1)
    for id in new { kept[id] = contents }
  }

  /// Restores one of the snapshots, whichever, and compares it with what the source held when it was made.
  func expectAnyRestores(from repository: Repository) async throws {
    let expected = try #require(kept.randomElement())
    let snapshot = try #require(try await repository.snapshots().first { $0.id == expected.key })
    let target = scratch.path + "/restored-\(UUID().uuidString)"
    _ = try await Restorer(repository: repository).restore(snapshot, to: ByteString(target))
    #expect(try FileManager.default.contentsOfDirectory(atPath: target).count == expected.value.count)
    for (name, content) in expected.value {
      let restored = try Data(contentsOf: URL(fileURLWithPath: target + "/" + name))
      #expect(restored.elementsEqual(content.readableBytesView), "\(name) of \(expected.key)")
    }
    try FileManager.default.removeItem(atPath: target)
  }
}
