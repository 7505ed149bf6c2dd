public import KubeModel
public import NIOCore
public import TidemarkAPI

/// What the facade asks of the rest of the program: it never speaks to an object store itself.
///
/// Whoever composes the program fills it in; a facade without them says so where they are asked for.
public struct FacadePlatform: Sendable {
  /// Tries a destination's settings; nil: no calls with `?validate=true`.
  public var validator: (any DestinationValidator)?
  /// Puts an uploaded dump into a destination; nil: no uploads.
  public var uploads: (any DumpUploads)?

  /// These parts.
  public init(validator: (any DestinationValidator)? = nil, uploads: (any DumpUploads)? = nil) {
    (self.validator, self.uploads) = (validator, uploads)
  }
}

/// The secrets of a destination, for as long as one call takes. They are never shown.
public struct DestinationSecrets: Sendable, CustomStringConvertible, CustomReflectable {
  /// The access key id.
  public var accessKeyID: String
  /// The secret access key.
  public var secretAccessKey: String
  /// The certificate authority in PEM, where the destination names one.
  public var authority: [UInt8]?
  /// The password of the destination's repositories, where the call needs it.
  public var repositoryPassword: [UInt8]?

  /// These secrets.
  public init(accessKeyID: String, secretAccessKey: String, authority: [UInt8]? = nil) {
    (self.accessKeyID, self.secretAccessKey, self.authority) = (accessKeyID, secretAccessKey, authority)
  }

  public var description: String { "secrets of a destination, redacted" }
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// What came of a try of a destination.
public enum DestinationVerdict: Sendable, Equatable {
  /// It can be written, read, listed and cleaned.
  case valid(milliseconds: Int64)
  /// It cannot; the reason is one of the condition's words.
  case invalid(reason: String, message: String)
}

/// Tries a destination's settings.
public protocol DestinationValidator: Sendable {
  /// Writes, reads back, lists and deletes a small object. Takes some seconds at most. Throws only where it could not
  /// be found out.
  func validate(_ spec: BackupDestinationSpec, _ secrets: DestinationSecrets) async throws -> DestinationVerdict
}

/// Puts uploaded dumps where an import finds them.
public protocol DumpUploads: Sendable {
  /// Stores `body` in the destination, and gives its key below the destination's prefix. Memory is bounded. Throws
  /// ``DumpUploadError``, or what `body` throws; then nothing is stored.
  func stage(
    _ body: some AsyncSequence<ByteBuffer, any Error> & Sendable, for database: ObjectKey, id: String, limit: Int,
    in spec: BackupDestinationSpec, _ secrets: DestinationSecrets
  ) async throws -> String

  /// Removes a staged dump of a database; one that is gone is success.
  func discard(
    _ key: String, of database: ObjectKey, in spec: BackupDestinationSpec, _ secrets: DestinationSecrets
  ) async throws
}

/// Why an upload was not stored.
public enum DumpUploadError: Error, Sendable, Equatable {
  /// It has more bytes than are allowed.
  case tooLarge(limit: Int)
  /// It has no bytes.
  case empty
  /// The store refused it, or is out of reach; the reason is one of the condition's words.
  case store(reason: String, message: String)
}
