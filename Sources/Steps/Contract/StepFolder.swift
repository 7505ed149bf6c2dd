import Foundation
import ObjectStore
import PostgresEngine
import Repository
import TidemarkAPI

/// The folder of a step's input: the files that the input names lie in it.
public struct StepFolder: Sendable {
  private let path: String

  /// The folder of the input file at `inputPath`.
  public init(ofInput inputPath: String) {
    path = URL(filePath: inputPath).deletingLastPathComponent().path()
  }

  /// The folder at `path`.
  public init(path: String) { self.path = path }

  /// The full path of a file that the input names.
  public func path(of file: String) -> String { file.hasPrefix("/") ? file : "\(path)/\(file)" }

  /// The secret in a file, without one newline at its end.
  public func secret(_ file: String) throws -> String {
    guard let data = FileManager.default.contents(atPath: path(of: file)), !data.isEmpty else {
      throw StepError(
        code: .secretMissing,
        message: "the file \(file) that the input names is missing or empty; it must hold a secret")
    }
    var text = String(decoding: data, as: UTF8.self)
    if text.hasSuffix("\n") { text.removeLast() }
    return text
  }

  /// Reads a step's input; throws where it is not one.
  public static func read<Input: Decodable>(_ type: Input.Type, from path: String) throws -> Input {
    do {
      return try JSONDecoder().decode(Input.self, from: Data(contentsOf: URL(filePath: path)))
    } catch {
      throw StepError(
        code: .invalidInput, message: "\(path) is no input for this step: \(error); see docs/steps.md for its fields")
    }
  }
}

/// How long a store goes on trying.
enum StorePatience {
  /// As long as a step needs to outlive a short outage.
  case long
  /// For a few seconds, so that a wrong setting is told soon.
  case short
}

extension StoreInput {
  /// The store itself, from the bucket's root.
  func open(in folder: StepFolder, patience: StorePatience = .long) throws -> S3Store {
    let trust: S3Configuration.Trust =
      insecureSkipVerify ? .anyone : caFile.map { .authorities(file: folder.path(of: $0)) } ?? .system
    var configuration = S3Configuration(
      endpoint: try S3Endpoint(url: endpoint, region: region), bucket: bucket,
      addressing: S3Configuration.Addressing(rawValue: addressingStyle.rawValue) ?? .auto, trust: trust,
      uploadBytesPerSecond: uploadBytesPerSecond, downloadBytesPerSecond: downloadBytesPerSecond)
    if patience == .short {
      configuration.connectTimeout = .seconds(5)
      configuration.stallTimeout = .seconds(5)
      configuration.retry.attempts = 2
    }
    let credentials = S3CredentialFiles(
      accessKeyID: folder.path(of: accessKeyIDFile), secretAccessKey: folder.path(of: secretAccessKeyFile))
    return try S3Store(configuration: configuration, credentials: credentials)
  }

  /// Runs `body` with the store scoped to `place` below the destination's prefix, and closes its connections after.
  func withStore<Value>(
    in folder: StepFolder, at place: String, patience: StorePatience = .long,
    _ body: (any ObjectStore) async throws -> Value
  ) async throws -> Value {
    let store = try open(in: folder, patience: patience)
    do {
      let value = try await body(store.scoped(to: (prefix.isEmpty ? "" : prefix + "/") + place))
      await store.shutdown()
      return value
    } catch {
      await store.shutdown()
      throw error
    }
  }

  /// The repositories' password.
  func password(in folder: StepFolder) throws -> RepositoryPassword {
    RepositoryPassword(try folder.secret(passwordFile))
  }
}

extension ServerInput {
  /// How libpq reaches the server.
  func settings(in folder: StepFolder) throws -> PostgresConnectionSettings {
    var settings = PostgresConnectionSettings(
      host: host, port: port, database: database, user: try folder.secret(usernameFile),
      password: PostgresPassword(try folder.secret(passwordFile)),
      sslMode: PostgresConnectionSettings.SSLMode(rawValue: sslMode.rawValue) ?? .prefer,
      caFile: caFile.map { folder.path(of: $0) })
    if let certificateFile, let keyFile {
      settings.clientCertificate = PostgresConnectionSettings.ClientCertificate(
        certificateFile: folder.path(of: certificateFile), keyFile: folder.path(of: keyFile))
    }
    return settings
  }
}
