/// What restic's chunker looks up instead of computing: for one polynomial over GF(2), what a byte adds to a
/// fingerprint when it leaves the window, and what a byte above the polynomial's degree reduces to.
///
/// Source of the arithmetic: `chunker.go` and `polynomials.go` of github.com/restic/chunker.
package final class RabinTables: Sendable {
  /// Bytes that a fingerprint looks at.
  package static let window = 64

  /// The degree less eight: how far a fingerprint is shifted to see the byte that the next byte pushes out.
  package let shift: UInt64
  /// 256 values for `reduce`, then 256 values for `leave`, in one block that stays in the processor's first cache.
  private let values: [UInt64]

  /// Tables for `polynomial`, whose bits are its coefficients.
  package init(_ polynomial: ChunkerPolynomial) throws {
    let degree = 63 - polynomial.bits.leadingZeroBitCount
    guard (9...53).contains(degree) else {
      throw RepositoryError(
        .corrupted, "the chunker polynomial \(polynomial) has degree \(degree); degrees from 9 to 53 can cut files")
    }
    let polynomial = polynomial.bits
    shift = UInt64(degree - 8)
    var reduce = [UInt64](repeating: 0, count: 256)
    var leave = [UInt64](repeating: 0, count: 256)
    for byte in 0..<UInt64(256) {
      let high = byte << UInt64(degree)
      reduce[Int(byte)] = remainder(high, polynomial) | high
      // The byte followed by a window's worth of zeros: what it still weighs in a fingerprint one step after it left.
      var weight = remainder(byte, polynomial)
      for _ in 0..<RabinTables.window { weight = remainder(weight << 8, polynomial) }
      leave[Int(byte)] = weight
    }
    values = reduce + leave
  }

  /// Calls `body` with the two tables.
  @inline(__always)
  package func withTables<Result>(
    _ body: (_ reduce: UnsafePointer<UInt64>, _ leave: UnsafePointer<UInt64>) -> Result
  ) -> Result {
    values.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { preconditionFailure("the tables hold 512 values") }
      return body(base, base + 256)
    }
  }
}

/// What is left of `value` when multiples of `polynomial` are taken away, over GF(2).
private func remainder(_ value: UInt64, _ polynomial: UInt64) -> UInt64 {
  let degree = 63 - polynomial.leadingZeroBitCount
  var rest = value
  while rest != 0 {
    let distance = 63 - rest.leadingZeroBitCount - degree
    guard distance >= 0 else { break }
    rest ^= polynomial << UInt64(distance)
  }
  return rest
}
