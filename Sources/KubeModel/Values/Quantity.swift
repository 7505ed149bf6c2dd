public import Foundation

/// An amount in Kubernetes' notation: `10Gi`, `500m`, `1.5G`, `12e6`.
///
/// Two quantities are equal when their values are, however they were written; the text is kept, so that a spec goes
/// back as it came. Source of the grammar: `apimachinery/pkg/api/resource/quantity.go`.
public struct Quantity: Sendable, Codable, CustomStringConvertible {
  /// The exact amount, without its suffix.
  public let value: Decimal
  /// The text as it was read, or as we would write it.
  public let description: String

  /// Reads a quantity; nil where `text` is none.
  public init?(_ text: String) {
    guard let value = Self.parse(text) else { return nil }
    self.value = value
    self.description = text
  }

  /// So many bytes, written with the largest binary suffix that is exact.
  public init(bytes: Int64) {
    value = Decimal(bytes)
    var (count, suffix) = (bytes, "")
    for next in ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"] where count != 0 && count % 1024 == 0 {
      (count, suffix) = (count / 1024, next)
    }
    description = "\(count)\(suffix)"
  }

  /// The amount as an integer, rounded up; nil where it does not fit 64 bits.
  public var integer: Int64? { Self.roundedUp(value) }

  /// The amount in thousandths (CPU's unit), rounded up; nil where it does not fit 64 bits.
  public var milli: Int64? { Self.roundedUp(value * 1000) }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    // The API server also takes bare numbers.
    if let number = try? container.decode(Int64.self) {
      value = Decimal(number)
      description = "\(number)"
      return
    }
    guard let quantity = Quantity(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "not a quantity; expected one such as 10Gi, 500m or 1.5G")
    }
    self = quantity
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  private static func roundedUp(_ value: Decimal) -> Int64? {
    var (exact, rounded) = (value, Decimal())
    NSDecimalRound(&rounded, &exact, 0, value < 0 ? .down : .up)
    guard rounded >= Decimal(Int64.min), rounded <= Decimal(Int64.max) else { return nil }
    return NSDecimalNumber(decimal: rounded).int64Value
  }

  private static func parse(_ text: String) -> Decimal? {
    let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == "." || $0 == "+" || $0 == "-") }
    guard number.contains(where: \.isNumber), number.filter({ $0 == "." }).count <= 1,
      number.dropFirst().allSatisfy({ $0 != "+" && $0 != "-" }),
      let mantissa = Decimal(string: String(number), locale: Locale(identifier: "en_US_POSIX")),
      let factor = factor(text.dropFirst(number.count))
    else { return nil }
    let product = mantissa * factor
    return product.isFinite ? product : nil
  }

  private static func factor(_ suffix: Substring) -> Decimal? {
    if suffix.isEmpty { return 1 }
    if let power = binary.firstIndex(of: String(suffix)) {
      return Decimal(sign: .plus, exponent: 0, significand: Decimal(UInt64(1) << UInt64(10 * (power + 1))))
    }
    if let power = decimal[String(suffix)] { return Decimal(sign: .plus, exponent: power, significand: 1) }
    guard suffix.first == "e" || suffix.first == "E", let power = Int(suffix.dropFirst()), abs(power) <= 60 else {
      return nil
    }
    return Decimal(sign: .plus, exponent: power, significand: 1)
  }

  private static let binary = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
  private static let decimal = [
    "n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18,
  ]
}

extension Quantity: Hashable, Comparable {
  public static func == (left: Quantity, right: Quantity) -> Bool { left.value == right.value }
  public static func < (left: Quantity, right: Quantity) -> Bool { left.value < right.value }
  public func hash(into hasher: inout Hasher) { hasher.combine(value) }
}
