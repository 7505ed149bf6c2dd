import ObjectStore
import Repository

/// Which keys of a bucket a backup has: its snapshot's path says what they begin with, and its `excludes` the patterns,
/// those of an include with a `!` in front.
struct BucketScope {
  private let prefix: String
  private let rules: PathRules

  init(prefix: String, rules: PathRules) { (self.prefix, self.rules) = (prefix, rules) }

  /// What `snapshot` says of itself.
  init(of snapshot: Snapshot) {
    prefix = String((snapshot.paths.first ?? "/").dropFirst())
    rules = PathRules(
      include: snapshot.excludes.filter { $0.hasPrefix("!") }.map { String($0.dropFirst()) },
      exclude: snapshot.excludes.filter { !$0.hasPrefix("!") })
  }

  func admits(_ key: [UInt8]) -> Bool {
    key.starts(with: prefix.utf8) && rules.admits(String(decoding: key, as: UTF8.self))
  }

  /// How a snapshot of it describes itself.
  func description(time: UnixTime, hostname: String) -> SnapshotDescription {
    SnapshotDescription(
      time: time, hostname: hostname, paths: ["/\(prefix)"],
      excludes: rules.exclude + rules.include.map { "!\($0)" })
  }
}
