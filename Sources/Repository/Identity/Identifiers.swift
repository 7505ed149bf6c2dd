/// A name that is the SHA-256 of what it names.
public protocol DigestIdentifier: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
  /// The digest.
  var digest: SHA256Digest { get }
  /// The identifier with this digest.
  init(_ digest: SHA256Digest)
}

extension DigestIdentifier {
  /// Reads 64 hexadecimal digits; nil when `text` is anything else.
  public init?(_ text: some StringProtocol) {
    guard let digest = SHA256Digest(hexadecimal: text) else { return nil }
    self.init(digest)
  }

  /// 64 lower-case hexadecimal digits.
  public var description: String { digest.hexadecimal }

  /// The first eight digits, as restic's program shows an id.
  public var short: String { String(description.prefix(8)) }

  public static func < (left: Self, right: Self) -> Bool { left.digest < right.digest }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let digest = SHA256Digest(hexadecimal: text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "'\(text)' is not an id; expected 64 hexadecimal digits")
    }
    self.init(digest)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// A blob's name: the SHA-256 of its plaintext.
public struct BlobID: DigestIdentifier {
  public let digest: SHA256Digest
  public init(_ digest: SHA256Digest) { self.digest = digest }
}

/// A pack's name: the SHA-256 of the whole pack file.
public struct PackID: DigestIdentifier {
  public let digest: SHA256Digest
  public init(_ digest: SHA256Digest) { self.digest = digest }
}

/// A snapshot's name: the SHA-256 of the snapshot file.
public struct SnapshotID: DigestIdentifier {
  public let digest: SHA256Digest
  public init(_ digest: SHA256Digest) { self.digest = digest }
}

/// What a blob holds; packs hold blobs of one type only.
public enum BlobType: String, Sendable, Hashable, CaseIterable, Codable {
  /// A piece of a file's content.
  case data
  /// The entries of one directory, as JSON.
  case tree
}
