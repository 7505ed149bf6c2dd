import Foundation
import KubeModel
import ObjectStore
import Repository
import TestSupport
import Testing
import TidemarkAPI

@Suite("Retention is restic's", .serialized)
struct RetentionResticTests {
  /// A repository of restic's own with snapshots at chosen times, as the clock of `zone` shows them.
  private struct Shelf {
    let scratch: ScratchDirectory
    let zone: String
    var moments: [(id: String, moment: Timestamp)] = []

    init(zone: String) async throws {
      scratch = try ScratchDirectory("retention")
      self.zone = zone
      // A password that is cheap to try: restic does so at each of its many starts.
      var options = RepositoryOptions()
      options.scrypt = try #require(ScryptParameters(n: 1024, r: 8, p: 1))
      _ = try await Repository.create(
        in: DirectoryStore(root: scratch.file("repo")), password: RepositoryPassword("secret"), options: options)
      try "content".write(toFile: scratch.file("file"), atomically: true, encoding: .utf8)
    }

    func restic(_ arguments: [String]) async throws -> String {
      try await RunningProgram.run(
        "restic", ["--no-cache", "-r", scratch.file("repo")] + arguments,
        environment: ["RESTIC_PASSWORD": "secret", "TZ": zone, "RESTIC_PROGRESS_FPS": "0"], within: .seconds(60)
      ).output
    }

    mutating func add(_ times: [String]) async throws {
      for time in times {
        _ = try await restic(["backup", "--host", "h", "--time", time, scratch.file("file")])
      }
      struct Entry: Decodable {
        var id: String
        var time: String
      }
      let entries = try JSONDecoder().decode([Entry].self, from: Data(try await restic(["snapshots", "--json"]).utf8))
      moments = try entries.map { (id: $0.id, moment: try #require(Timestamp($0.time))) }
    }

    /// What restic's `forget` would keep.
    func kept(_ arguments: [String]) async throws -> Set<String> {
      struct Group: Decodable {
        struct Entry: Decodable { var id: String }
        var keep: [Entry]?
      }
      let answer = try await restic(["forget", "--dry-run", "--json"] + arguments)
      let json = try #require(answer.split(separator: "\n").first { $0.hasPrefix("[") })
      let groups = try JSONDecoder().decode([Group].self, from: Data(json.utf8))
      return Set(groups.flatMap { $0.keep ?? [] }.map(\.id))
    }
  }

  private static func policy(_ random: inout Numbers) -> (RetentionPolicy, [String]) {
    var policy = RetentionPolicy()
    var arguments: [String] = []
    func choose(_ path: WritableKeyPath<RetentionPolicy, Int?>, _ option: String, _ most: Int) {
      guard random.next() % 3 == 0 else { return }
      let count = Int(random.next() % UInt64(most)) + 1
      policy[keyPath: path] = count
      arguments += [option, "\(count)"]
    }
    choose(\.count, "--keep-last", 8)
    choose(\.hourly, "--keep-hourly", 20)
    choose(\.daily, "--keep-daily", 12)
    choose(\.weekly, "--keep-weekly", 10)
    choose(\.monthly, "--keep-monthly", 10)
    choose(\.yearly, "--keep-yearly", 6)
    if arguments.isEmpty || random.next() % 4 == 0 {
      let hours = Int64(random.next() % 2000) + 1
      policy.within = GoDuration(seconds: hours * 3600)
      arguments += ["--keep-within", "\(hours)h"]
    }
    return (policy, arguments)
  }

  /// Times that lie close together and far apart, so that every rule has something to choose from.
  private static func times(_ count: Int, _ random: inout Numbers) -> [String] {
    var moment = CivilNumbers.start
    return (0..<count).map { _ in
      moment +=
        [600, 3000, 40_000, 90_000, 700_000, 3_000_000][Int(random.next() % 6)]
        + Int64(random.next() % 5000)
      return String(Timestamp(secondsSince1970: moment).description.dropLast().map { $0 == "T" ? " " : $0 })
    }
  }

  private enum CivilNumbers {
    static let start: Int64 = 1_609_459_200  // 2021-01-01
  }

  @Test(
    "random policies keep what restic's forget keeps, on random times, in several zones",
    arguments: [("UTC", 1), ("Europe/Berlin", 2), ("America/St_Johns", 3)] as [(String, UInt64)])
  func likeForget(zone: String, seed: UInt64) async throws {
    var random = Numbers(state: seed)
    var shelf = try await Shelf(zone: zone)
    try await shelf.add(Self.times(40, &random))
    let wall = try #require(WallClock(named: zone))
    #expect(shelf.moments.count == 40)
    // Versions after Debian 12's also keep the oldest of all for a rule that has not met its number.
    let keepsOldest = try await !shelf.restic(["version"]).hasPrefix("restic 0.14.")
    let oldest = try #require(shelf.moments.min { $0.moment < $1.moment }?.id)
    for _ in 0..<30 {
      let (policy, arguments) = Self.policy(&random)
      let kept = policy.keeps(shelf.moments.map(\.moment), on: wall, now: .now)
      let ours = Set(zip(shelf.moments, kept).filter(\.1).map(\.0.id))
      let theirs = try await shelf.kept(arguments)
      #expect(ours == theirs || keepsOldest && ours.union([oldest]) == theirs, "\(arguments) in \(zone)")
    }
    shelf.scratch.remove()
  }
}

/// Numbers that depend on their seed alone (SplitMix; Steele, Lea, Flood 2014).
struct Numbers: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
