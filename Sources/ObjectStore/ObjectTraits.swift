/// What an object has besides its bytes: what a client set when it stored them, and gets back with them.
public struct ObjectTraits: Sendable, Hashable {
  /// A tag of an object.
  public struct Tag: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// Its value; may be empty.
    public var value: String

    /// A tag of this name and value.
    public init(name: String, value: String) { (self.name, self.value) = (name, value) }
  }

  /// The headers of HTTP that S3 keeps with an object, in lower case: `content-type`, `cache-control`,
  /// `content-disposition`, `content-encoding`, `content-language`, `expires`.
  public static let headerNames = [
    "content-type", "cache-control", "content-disposition", "content-encoding", "content-language", "expires",
  ]

  /// Values of those headers, by name.
  public var headers: [String: String]
  /// The user's metadata, by the name that follows `x-amz-meta-`, in lower case.
  public var metadata: [String: String]
  /// The tags, sorted by name.
  public var tags: [Tag]

  /// These traits; by default none.
  public init(headers: [String: String] = [:], metadata: [String: String] = [:], tags: [Tag] = []) {
    (self.headers, self.metadata) = (headers, metadata)
    self.tags = tags.sorted { $0.name < $1.name }
  }

  /// The tags as the header `x-amz-tagging` has them: `name=value&name=value`, percent-encoded.
  public var tagging: String {
    tags.map {
      "\(PercentEncoding.encode($0.name, slash: .encoded))=\(PercentEncoding.encode($0.value, slash: .encoded))"
    }.joined(separator: "&")
  }

  /// Reads what ``tagging`` gives; nil for anything else.
  public static func tags(in tagging: some StringProtocol) -> [Tag]? {
    var tags: [Tag] = []
    for pair in tagging.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, let name = PercentEncoding.decode(parts[0]), let value = PercentEncoding.decode(parts[1])
      else { return nil }
      tags.append(Tag(name: name, value: value))
    }
    return tags
  }
}

/// An object of somebody else's that is being read: its bytes, and what it has besides.
public struct ForeignObject: Sendable {
  /// The bytes; `body.info` tells of the object that they are of.
  public var body: ObjectBody
  /// What it has besides.
  public var traits: ObjectTraits
}
