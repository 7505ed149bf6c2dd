/// A password that stays in memory: libpq gets it as a connection parameter, and no text form of it exists.
public struct PostgresPassword: Sendable, ExpressibleByStringLiteral, CustomStringConvertible,
  CustomDebugStringConvertible, CustomReflectable
{
  package let secret: String

  /// The password itself, without quoting of any kind.
  public init(_ secret: String) { self.secret = secret }

  public init(stringLiteral secret: String) { self.secret = secret }

  /// Never the password.
  public var description: String { "<redacted>" }

  /// Never the password.
  public var debugDescription: String { "<redacted>" }

  /// Never the password.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
