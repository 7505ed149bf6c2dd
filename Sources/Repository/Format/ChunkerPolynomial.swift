/// The polynomial over GF(2) by which a repository's files are cut: coefficient i is bit i.
///
/// It is chosen at random for each repository, so that the lengths of pieces tell nothing about known content, and is
/// irreducible of degree 53, as restic's are. Source of the test: Rabin 1980, "Probabilistic Algorithms in Finite
/// Fields"; `polynomials.go` of github.com/restic/chunker uses the same.
public struct ChunkerPolynomial: Sendable, Hashable, CustomStringConvertible {
  /// The degree of every polynomial that a repository uses.
  public static let degree = 53

  /// The coefficients.
  public let bits: UInt64

  /// The polynomial with these coefficients, whatever its degree.
  public init(bits: UInt64) { self.bits = bits }

  /// Reads hexadecimal digits without a prefix, as in a repository's config; nil when `text` is anything else.
  public init?(_ text: some StringProtocol) {
    guard let bits = UInt64(text, radix: 16), bits != 0 else { return nil }
    self.bits = bits
  }

  /// Hexadecimal digits without a prefix.
  public var description: String { String(bits, radix: 16) }

  /// A random irreducible polynomial of degree 53; one in about 37 candidates is one.
  public static func random() -> ChunkerPolynomial {
    while true {
      let low = SecureRandom.word() & (1 << UInt64(degree) - 1)
      let candidate = ChunkerPolynomial(bits: low | 1 << UInt64(degree) | 1)
      if candidate.isIrreducible { return candidate }
    }
  }

  /// Whether no two polynomials of lower degree multiply to it.
  public var isIrreducible: Bool {
    let degree = Self.degree(of: bits)
    guard degree > 0 else { return false }
    guard degree > 1 else { return true }
    guard power(twoTo: degree) == Self.remainder(2, bits) else { return false }
    return Self.primeFactors(of: degree).allSatisfy { prime in
      Self.commonDivisor(bits, power(twoTo: degree / prime) ^ 2) == 1
    }
  }

  /// x to the power of 2 to the power of `exponent`, modulo the polynomial.
  private func power(twoTo exponent: Int) -> UInt64 {
    (0..<exponent).reduce(Self.remainder(2, bits)) { value, _ in Self.product(value, value, modulo: bits) }
  }

  private static func degree(of bits: UInt64) -> Int { 63 - bits.leadingZeroBitCount }

  private static func remainder(_ value: UInt64, _ modulus: UInt64) -> UInt64 {
    var rest = value
    let degree = degree(of: modulus)
    while rest != 0, self.degree(of: rest) >= degree { rest ^= modulus << UInt64(self.degree(of: rest) - degree) }
    return rest
  }

  private static func product(_ left: UInt64, _ right: UInt64, modulo modulus: UInt64) -> UInt64 {
    let top: UInt64 = 1 << UInt64(degree(of: modulus))
    var (sum, factor, rest): (UInt64, UInt64, UInt64) = (0, left, right)
    while rest != 0 {
      if rest & 1 == 1 { sum ^= factor }
      factor <<= 1
      if factor & top != 0 { factor ^= modulus }
      rest >>= 1
    }
    return sum
  }

  private static func commonDivisor(_ left: UInt64, _ right: UInt64) -> UInt64 {
    var (left, right) = (left, right)
    while right != 0 { (left, right) = (right, remainder(left, right)) }
    return left
  }

  private static func primeFactors(of number: Int) -> [Int] {
    (2...max(2, number)).filter { divisor in
      number % divisor == 0 && !(2..<divisor).contains { divisor % $0 == 0 }
    }
  }
}
