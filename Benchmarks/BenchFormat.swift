/// A figure with one decimal, or with none where it is large.
func number(_ value: Double) -> String {
  let tenths = Int((value * 10).rounded())
  return value >= 100 ? "\(Int(value.rounded()))" : "\(tenths / 10).\(tenths % 10)"
}

/// ` (×0.85)`: ours as a part of the peer's, for the end of a cell; nothing where there is no peer.
func ratio(_ ours: Double, _ peer: Double) -> String {
  guard peer > 0 else { return "" }
  let hundredths = Int((ours / peer * 100).rounded())
  return " (×\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100))"
}

/// The value below which this part of all values lies; 0 where there are none.
func quantile(_ part: Double, of values: [Double]) -> Double {
  let sorted = values.sorted()
  return sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(part * Double(sorted.count)))]
}
