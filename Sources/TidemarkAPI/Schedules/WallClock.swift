public import Foundation
public import KubeModel

/// The clock on the wall of a time zone.
///
/// A time on the wall is counted in seconds from 1970-01-01T00:00:00 on that wall, as if it never changed.
public struct WallClock: Sendable {
  /// The zone.
  public let zone: TimeZone

  /// The clock of `zone`.
  public init(_ zone: TimeZone) { self.zone = zone }

  /// The clock of the zone of this name in the IANA database; nil where there is none.
  public init?(named name: String) {
    // Foundation also takes abbreviations, such as PST, and offsets, such as GMT+5, which the database has not.
    guard Self.known.contains(name) || Self.old.contains(name) || (name.contains("/") && !name.hasPrefix("SystemV/")),
      let zone = TimeZone(identifier: name)
    else { return nil }
    self.zone = zone
  }

  private static let known = Set(TimeZone.knownTimeZoneIdentifiers)

  /// The names without a slash that the database keeps for those who used them (its file `backward`).
  private static let old: Set<String> = [
    "CET", "CST6CDT", "Cuba", "EET", "EST", "EST5EDT", "Egypt", "Eire", "GB", "GB-Eire", "GMT", "GMT0", "Greenwich",
    "HST", "Hongkong", "Iceland", "Iran", "Israel", "Jamaica", "Japan", "Kwajalein", "Libya", "MET", "MST", "MST7MDT",
    "NZ", "NZ-CHAT", "Navajo", "PRC", "PST8PDT", "Poland", "Portugal", "ROC", "ROK", "Singapore", "Turkey", "UCT",
    "UTC", "Universal", "W-SU", "WET", "Zulu",
  ]

  /// What it shows at `seconds` since 1970 of UTC.
  func time(at seconds: Int64) -> Int64 { seconds + offset(at: seconds) }

  /// The hour that it shows at `moment`, counted from 1970-01-01T00:00:00.
  public func hour(at moment: Timestamp) -> Int64 {
    CivilTime.floorDivide(time(at: moment.secondsSince1970), 3600)
  }

  /// The first moment at which it shows `time`, or has passed it, in seconds since 1970 of UTC.
  ///
  /// A time that it shows twice (clocks are put back) is the first of the two, and a time that it never shows (clocks
  /// are put forward) is the moment at which it jumps over it. So the moments rise with the times.
  func firstMoment(of time: Int64) -> Int64 {
    // All zones lie within 14 h east and 12 h west of Greenwich; a change between is seen from both ends.
    var (before, after) = (time - 16 * 3600, time + 16 * 3600)
    let offsets = (offset(at: before), offset(at: after))
    for offset in [offsets.0, offsets.1] where self.offset(at: time - offset) == offset { return time - offset }
    guard offsets.0 != offsets.1 else { return time - offsets.0 }
    // It jumps over the time, somewhere between the two ends.
    while after - before > 1 {
      let middle = before + (after - before) / 2
      if offset(at: middle) == offsets.0 { before = middle } else { after = middle }
    }
    return after
  }

  private func offset(at seconds: Int64) -> Int64 {
    Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds))))
  }
}
