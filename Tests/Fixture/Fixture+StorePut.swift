import ArgumentParser
import Foundation
import NIOCore
import ObjectStore

/// Streams an object that has no end into an S3 bucket: a process that a test kills on the way.
///
/// The keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
struct StorePut: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "store-put")

  @Option(help: "The S3 server.")
  var endpoint: String

  @Option(help: "The bucket.")
  var bucket: String

  @Option(help: "The key of the object.")
  var key: String

  func run() async throws {
    let environment = ProcessInfo.processInfo.environment
    var configuration = S3Configuration(
      endpoint: try S3Endpoint(url: endpoint, region: "us-east-1"), bucket: bucket)
    configuration.partSize = 5 << 20
    let store = try S3Store(
      configuration: configuration,
      credentials: S3Credentials(
        accessKeyID: environment["AWS_ACCESS_KEY_ID"] ?? "",
        secretAccessKey: environment["AWS_SECRET_ACCESS_KEY"] ?? ""))
    try await store.put(key, stream: Endless(), condition: .ifAbsent)
  }

  private struct Endless: AsyncSequence, Sendable {
    func makeAsyncIterator() -> Iterator { Iterator() }

    struct Iterator: AsyncIteratorProtocol {
      func next() async throws -> ByteBuffer? {
        try await Task.sleep(for: .milliseconds(5))
        return ByteBuffer(repeating: 7, count: 1 << 20)
      }
    }
  }
}
