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
  /// Where the server finds the secrets; nil: they are copied to the configuration.
  let secretsDirectory: String?

  /// Writes the configuration; returns its path.
  func write(_ input: WALFetchInput, from folder: StepFolder) throws -> String {
    var input = input
    if let secretsDirectory {
      input.store = input.store.withSecrets(in: secretsDirectory)
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } else {
      try copySecrets(of: input, from: folder)
    }
    let path = "\(directory)/fetch.json"
    try PrivateFile.write(Array(JSONEncoder().encode(input)), to: path)
    return path
  }

  private func copySecrets(of input: WALFetchInput, from folder: StepFolder) throws {
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
  }
}

extension StoreInput {
  /// The same store, with its secrets' files in `directory`; a file that is named by its full path stays.
  func withSecrets(in directory: String) -> StoreInput {
    func moved(_ file: String) -> String {
      file.hasPrefix("/") ? file : "\(directory)/\(URL(filePath: file).lastPathComponent)"
    }
    var store = self
    store.accessKeyIDFile = moved(accessKeyIDFile)
    store.secretAccessKeyFile = moved(secretAccessKeyFile)
    store.passwordFile = moved(passwordFile)
    store.caFile = caFile.map(moved)
    return store
  }
}

/// A number that callbacks set and others read.
final class Counter: Sendable {
  private let number = Mutex<Int64>(0)

  var value: Int64 { number.withLock { $0 } }

  func set(_ value: Int64) { number.withLock { $0 = value } }
}
