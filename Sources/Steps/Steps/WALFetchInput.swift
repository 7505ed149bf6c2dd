import Foundation
public import Logging
import ObjectStore
public import PostgresEngine
import Repository
import Synchronization

/// What `tidemark wal fetch` has to know: a file beside the data directory, with the secrets that it names in a folder
/// next to it, readable by the server's user alone and removed when recovery has ended.
public struct WALFetchInput: Codable, Sendable {
  /// Where the archive lies.
  public var store: StoreInput
  /// The database's place in the store.
  public var database: DatabasePlace
  /// Along what, and how, to fetch.
  public var configuration: WALFetch.Configuration

  /// An input of these parts.
  public init(store: StoreInput, database: DatabasePlace, configuration: WALFetch.Configuration) {
    (self.store, self.database, self.configuration) = (store, database, configuration)
  }

  /// Reads the file of `--config`.
  public static func read(from path: String) throws -> WALFetchInput {
    try StepFolder.read(WALFetchInput.self, from: path)
  }

  /// Opens the archive for `restore_command`; `path` is the file of `--config`.
  public func opening(configurationPath path: String, logger: Logger) -> WALFetch.Opening {
    let folder = StepFolder(ofInput: path)
    return { [self] in
      let store = try store.open(in: folder)
        .scoped(to: (self.store.prefix.isEmpty ? "" : self.store.prefix + "/") + database.prefix)
      let archive = try await DatabaseArchive.open(store, password: try self.store.password(in: folder), logger: logger)
      return (store, archive.repository.key)
    }
  }
}

/// The folder of an instance that holds what its recovery needs.
struct RecoveryFiles {
  let directory: String

  /// Writes the configuration and copies the secrets that it names; returns the configuration's path.
  func write(_ input: WALFetchInput, from folder: StepFolder) throws -> String {
    let secrets = "\(directory)/\(StepRequest.secretsFolder)"
    try FileManager.default.createDirectory(
      atPath: secrets, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    let names = [
      input.store.accessKeyIDFile, input.store.secretAccessKeyFile, input.store.passwordFile, input.store.caFile,
    ]
    for name in names.compactMap({ $0 }) {
      let bytes = try Data(contentsOf: URL(filePath: folder.path(of: name)))
      try PrivateFile.write(Array(bytes), to: "\(directory)/\(name)")
    }
    let path = "\(directory)/fetch.json"
    try PrivateFile.write(Array(JSONEncoder().encode(input)), to: path)
    return path
  }
}

/// A number that callbacks set and others read.
final class Counter: Sendable {
  private let number = Mutex<Int64>(0)

  var value: Int64 { number.withLock { $0 } }

  func set(_ value: Int64) { number.withLock { $0 = value } }
}
