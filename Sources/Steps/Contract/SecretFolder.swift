import Foundation

/// The secrets' files of something that runs in this process, for as long as it takes.
struct SecretFolder {
  let path: String
  var folder: StepFolder { StepFolder(path: path) }

  init(secrets: [String: [UInt8]]) throws {
    path = "\(NSTemporaryDirectory())/tidemark-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
      atPath: "\(path)/\(StepRequest.secretsFolder)", withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o700])
    for (name, bytes) in secrets { try PrivateFile.write(bytes, to: "\(path)/\(StepRequest.secretsFolder)/\(name)") }
  }

  func remove() { try? FileManager.default.removeItem(atPath: path) }
}
