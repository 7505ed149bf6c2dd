/// A moment as the replication protocol and WAL records write it: microseconds since 2000-01-01 00:00:00 UTC.
public struct PostgresTime: Hashable, Comparable, Sendable, Codable {
  /// Microseconds since 2000-01-01 00:00:00 UTC.
  public let microseconds: Int64

  public init(microseconds: Int64) { self.microseconds = microseconds }

  /// The moment `unixMicroseconds` after 1970-01-01 00:00:00 UTC.
  public init(unixMicroseconds: Int64) { microseconds = unixMicroseconds - Self.epochOffset }

  /// Microseconds since 1970-01-01 00:00:00 UTC.
  public var unixMicroseconds: Int64 { microseconds + Self.epochOffset }

  /// From the Unix epoch to PostgreSQL's: 10,957 days.
  private static let epochOffset: Int64 = 10_957 * 86_400 * 1_000_000

  public static func < (left: PostgresTime, right: PostgresTime) -> Bool { left.microseconds < right.microseconds }

  public init(from decoder: any Decoder) throws {
    microseconds = try decoder.singleValueContainer().decode(Int64.self)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(microseconds)
  }
}
