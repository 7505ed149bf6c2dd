import Foundation
import ObjectStore

/// The S3 server of these tests: one for the process, ended with it.
actor S3Server {
  static let shared = S3Server()

  struct Settings: Sendable {
    let endpoint: String
    let tlsEndpoint: String
    let caFile: String
    let virtualHost: String
    let credentials: S3Credentials
    /// Of a user who may touch nothing.
    let strangers: S3Credentials
  }

  static let bucket = "objectstore-tests"

  private var settings: Settings?
  private let directory = NSTemporaryDirectory() + "tidemark-objectstore-tests-\(getpid())"

  func up() throws -> Settings {
    if let settings { return settings }
    try run("up", "--bucket", Self.bucket, "--owner-pid", "\(getpid())")
    let text = try String(contentsOfFile: directory + "/env", encoding: .utf8)
    var values: [String: String] = [:]
    for line in text.split(separator: "\n") {
      let line = line.hasPrefix("export ") ? line.dropFirst(7) : line
      guard let equals = line.firstIndex(of: "=") else { continue }
      values[String(line[..<equals])] = line[line.index(after: equals)...].trimmingCharacters(in: ["'", "\""])
    }
    func value(_ name: String) throws -> String {
      guard let value = values[name] else { throw Failed(what: "hack/s3 does not tell \(name): \(text)") }
      return value
    }
    let settings = Settings(
      endpoint: try value("S3_ENDPOINT"), tlsEndpoint: try value("S3_TLS_ENDPOINT"), caFile: try value("S3_CA_FILE"),
      virtualHost: try value("S3_VIRTUAL_HOST"),
      credentials: S3Credentials(
        accessKeyID: try value("AWS_ACCESS_KEY_ID"), secretAccessKey: try value("AWS_SECRET_ACCESS_KEY")),
      strangers: S3Credentials(
        accessKeyID: try value("S3_OTHER_ACCESS_KEY_ID"), secretAccessKey: try value("S3_OTHER_SECRET_ACCESS_KEY")))
    self.settings = settings
    return settings
  }

  struct Failed: Error { let what: String }

  /// Runs a command of hack/s3.
  func run(_ arguments: String...) throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let process = Process()
    process.executableURL = root.appending(path: "hack/s3")
    process.arguments = [arguments[0], "--dir", directory] + arguments.dropFirst()
    process.standardOutput = FileHandle.standardError
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failed(what: "hack/s3 \(arguments.joined(separator: " ")) exited with \(process.terminationStatus)")
    }
  }
}

extension S3Store {
  /// A store on the test server's bucket, changed by `adjust`.
  static func forTests(
    credentials: (any S3CredentialProvider)? = nil, endpoint: String? = nil,
    _ adjust: (inout S3Configuration) -> Void = { _ in }
  ) async throws -> S3Store {
    let settings = try await S3Server.shared.up()
    var configuration = S3Configuration(
      endpoint: try S3Endpoint(url: endpoint ?? settings.endpoint, region: "us-east-1"), bucket: S3Server.bucket)
    configuration.partSize = 5 << 20
    adjust(&configuration)
    return try S3Store(configuration: configuration, credentials: credentials ?? settings.credentials)
  }

  /// Runs `body` with a store, and shuts it down after.
  static func with<R>(
    credentials: (any S3CredentialProvider)? = nil, endpoint: String? = nil,
    _ adjust: (inout S3Configuration) -> Void = { _ in }, _ body: (S3Store) async throws -> R
  ) async throws -> R {
    let store = try await forTests(credentials: credentials, endpoint: endpoint, adjust)
    do {
      let result = try await body(store)
      await store.shutdown()
      return result
    } catch {
      await store.shutdown()
      throw error
    }
  }
}
