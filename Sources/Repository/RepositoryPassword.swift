/// The password of a repository. It prints as `<redacted>`, wherever it is printed.
public struct RepositoryPassword: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  let bytes: [UInt8]

  /// The password that is the UTF-8 of `text`, taken as it is: no white space is removed.
  public init(_ text: String) { bytes = Array(text.utf8) }

  /// The password that is these bytes.
  public init(bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

  /// Always `<redacted>`.
  public var description: String { "<redacted>" }
  /// Always `<redacted>`.
  public var debugDescription: String { "<redacted>" }
  /// No children: a dump shows nothing.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
