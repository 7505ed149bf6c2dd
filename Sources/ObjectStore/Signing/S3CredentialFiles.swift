internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Credentials in files, such as those of a mounted Kubernetes Secret.
///
/// The files are read again when the last reading is older than `maximumAge` and when the server refuses what they
/// held, so a rotated Secret is picked up without a restart. One newline at a file's end is no part of its value.
public final class S3CredentialFiles: S3CredentialProvider {
  private let accessKeyID: String
  private let secretAccessKey: String
  private let sessionToken: String?
  private let maximumAge: Duration
  private let last = Mutex<(credentials: S3Credentials, at: ContinuousClock.Instant)?>(nil)

  /// Paths of the files. Nothing is read yet.
  public init(
    accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil, maximumAge: Duration = .seconds(30)
  ) {
    self.accessKeyID = accessKeyID
    self.secretAccessKey = secretAccessKey
    self.sessionToken = sessionToken
    self.maximumAge = maximumAge
  }

  public func credentials() async throws -> S3Credentials {
    if let last = last.withLock({ $0 }), last.at.duration(to: .now) < maximumAge { return last.credentials }
    return try await read()
  }

  public func credentials(replacing rejected: S3Credentials) async throws -> S3Credentials { try await read() }

  private func read() async throws -> S3Credentials {
    let credentials = try await NIOThreadPool.singleton.runIfActive { [self] in
      S3Credentials(
        accessKeyID: try value(accessKeyID), secretAccessKey: try value(secretAccessKey),
        sessionToken: try sessionToken.map(value))
    }
    last.withLock { $0 = (credentials, .now) }
    return credentials
  }

  private func value(_ path: String) throws -> String {
    func refuse(_ why: String) -> ObjectStoreError {
      ObjectStoreError(
        .credentialsInvalid, operation: "credentials",
        message: "the file '\(path)' \(why); expected a key and nothing else; mend the Secret that it comes from")
    }
    do {
      guard let file = try DirectoryFile(path, key: path, operation: "credentials") else { throw refuse("is missing") }
      var text = String(buffer: try file.read(at: 0, count: Int(min(file.info.size, 65_536))))
      if text.hasSuffix("\n") { text.removeLast() }
      if text.isEmpty { throw refuse("is empty") }
      return text
    } catch let error as ObjectStoreError where error.code != .credentialsInvalid {
      throw refuse("cannot be read (\(error.message))")
    }
  }
}
