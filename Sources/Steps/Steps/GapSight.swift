package import PostgresEngine

/// Tells lost log from log that is on its way.
///
/// Segments are uploaded side by side, so that a later one may be there before an earlier one: what the receiver has
/// not yet called durable is not lost.
package enum GapSight {
  /// Whether a hole in the archive that ends at `end` is a loss, with everything below `durable` stored.
  ///
  /// A hole that the receiver itself recorded always is.
  package static func isLoss(_ reason: WALGap.Reason, before end: LSN, durable: LSN?) -> Bool {
    guard reason == .segmentMissing else { return true }
    guard let durable else { return false }
    return end <= durable
  }
}
