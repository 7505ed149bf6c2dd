/// A server's version, as `server_version_num` has it (150020 is 15.20).
public struct PostgresVersion: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
  /// `server_version_num`.
  public let number: Int

  public init(number: Int) { self.number = number }

  /// Reads `15.20`; nil for any other form.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let major = Int(parts[0]), let minor = Int(parts[1]), (10...99).contains(major),
      (0...9999).contains(minor)
    else { return nil }
    number = major * 10_000 + minor
  }

  /// 15 of 15.20.
  public var major: Int { number / 10_000 }

  /// The majors that we speak with.
  public static let supportedMajors = 13...17

  /// `15.20`.
  public var description: String { "\(major).\(number % 10_000)" }

  public static func < (left: PostgresVersion, right: PostgresVersion) -> Bool { left.number < right.number }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let version = PostgresVersion(text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "'\(text)' is not a version of PostgreSQL; expected one such as 15.14")
    }
    self = version
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
