public import KubeModel

/// By how much the run of a slot is put off.
public enum SlotJitter {
  /// The delay of `slot` of the schedule `uid`, in whole seconds: from nothing up to, and without, `bound`.
  ///
  /// The same for the same schedule and slot, whoever asks and whenever; spread evenly over schedules and slots.
  public static func delay(of slot: Timestamp, for uid: String, below bound: Int64) -> Int64 {
    guard bound > 0 else { return 0 }
    return Int64(StableHash.of("\(uid)/\(slot.secondsSince1970)") % UInt64(bound))
  }
}
