import Foundation
import NIOCore
import ObjectStore
import Repository
import Testing

/// A directory that is gone when the test is over, with a repository in it, for us and for restic's own program.
final class ScratchRepository: Sendable {
  let path: String
  let password: String

  init(password: String = "a password with spaces  ") throws {
    path =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("tidemark-repository-\(UUID().uuidString)").path
    self.password = password
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var root: String { path + "/repo" }
  var store: DirectoryStore { DirectoryStore(root: root) }

  /// Options under which a test does not wait.
  static var quick: RepositoryOptions {
    var options = RepositoryOptions()
    options.scrypt = ScryptParameters(n: 1024, r: 8, p: 1) ?? .standard
    options.lockSettleTime = .milliseconds(1)
    return options
  }

  func create(_ options: RepositoryOptions = quick) async throws -> Repository {
    try await Repository.create(in: store, password: RepositoryPassword(password), options: options)
  }

  func open(_ options: RepositoryOptions = quick) async throws -> Repository {
    try await Repository.open(in: store, password: RepositoryPassword(password), options: options)
  }

  /// Runs restic on the repository, and expects it to succeed unless told otherwise.
  @discardableResult
  func restic(
    _ arguments: String..., password: String? = nil, expecting status: Int32? = 0,
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> String {
    let outcome = try await Program(
      path: "/usr/bin/restic", arguments: ["--no-cache", "-r", root] + arguments,
      environment: ["RESTIC_PASSWORD": password ?? self.password, "RESTIC_PROGRESS_FPS": "0"]
    ).run()
    if let status {
      #expect(outcome.status == status, "restic \(arguments): \(outcome.output)", sourceLocation: sourceLocation)
    }
    return outcome.output
  }

  /// Writes a file below the scratch directory, with the directories that it needs.
  func write(_ bytes: some Sequence<UInt8>, to name: String) throws {
    let url = URL(fileURLWithPath: path + "/" + name)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
  }

  /// All files of the repository, as paths below its root.
  func files() throws -> [String] {
    let all = try FileManager.default.subpathsOfDirectory(atPath: root)
    return all.filter { name in
      var isDirectory: ObjCBool = false
      return FileManager.default.fileExists(atPath: root + "/" + name, isDirectory: &isDirectory)
        && !isDirectory.boolValue
    }.sorted()
  }
}

/// Bytes that do not compress, the same for the same seed.
func noise(_ count: Int, seed: UInt64) -> ByteBuffer {
  var generator = SplitMix(state: seed)
  var buffer = ByteBufferAllocator().buffer(capacity: count + 8)
  while buffer.readableBytes < count { buffer.writeInteger(generator.next()) }
  return buffer.getSlice(at: 0, length: count) ?? ByteBuffer()
}

/// Bytes that compress about as well as text does, the same for the same seed.
func prose(_ count: Int, seed: UInt64) -> ByteBuffer {
  var generator = SplitMix(state: seed)
  let words = (0..<256).map { _ in String(generator.next() & 0xFFFF_FFFF, radix: 36) + " " }
  var buffer = ByteBufferAllocator().buffer(capacity: count + 16)
  while buffer.readableBytes < count { buffer.writeString(words[Int(generator.next() >> 56)]) }
  return buffer.getSlice(at: 0, length: count) ?? ByteBuffer()
}

/// A small generator whose numbers depend on its seed alone (Steele, Lea, Flood 2014).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}

/// Expects `body` to fail with this code, and gives the error.
@discardableResult
func expect<Result>(
  _ code: RepositoryError.Code, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Result
) async -> RepositoryError? {
  do {
    _ = try await body()
    Issue.record("\(code) was expected, but it succeeded", sourceLocation: sourceLocation)
  } catch let error as RepositoryError {
    #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
    return error
  } catch {
    Issue.record("\(code) was expected, but it was \(error)", sourceLocation: sourceLocation)
  }
  return nil
}
