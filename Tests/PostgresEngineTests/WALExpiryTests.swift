import PostgresEngine
import Testing

/// A database's physical lives as they really went, from which the documents and what is needed both follow.
private struct Lives {
  /// A stretch of a timeline in one incarnation's archive.
  struct Stretch {
    var incarnation: IncarnationID
    var timeline: UInt32
    var from: UInt64
    /// Where the archive's log of it ends.
    var end: UInt64
    /// The stretches before, the oldest first, each with where it was left.
    var before: [(stretch: Int, left: UInt64)]
  }

  static let size = WALSegmentSize.standard
  var stretches: [Stretch] = []
  var documents: [Incarnation] = []
  var bases: [(stretch: Int, base: RecoveryBase)] = []

  static func lsn(_ position: UInt64) -> LSN { LSN(position) }

  init(_ random: inout some RandomNumberGenerator) {
    let unit = Self.size.bytes / 4
    add(IncarnationID("root"), parent: nil, timeline: 1, from: 0, before: [], &random)
    for number in 1..<Int.random(in: 2...7, using: &random) {
      let index = Int.random(in: stretches.indices, using: &random)
      let parent = stretches[index]
      let left = UInt64.random(in: parent.from / unit + 1...parent.end / unit, using: &random) * unit
      let before = parent.before + [(index, left)]
      if Bool.random(using: &random) {
        add(
          IncarnationID("life-\(number)"),
          parent: Incarnation.Parent(id: parent.incarnation, timeline: TimelineID(parent.timeline), forkLSN: LSN(left)),
          timeline: parent.timeline + 1, from: left, before: before, &random)
      } else if !stretches.contains(where: { $0.incarnation == parent.incarnation && $0.timeline > parent.timeline }) {
        // A promotion in the same life.
        add(
          nil, parent: nil, timeline: parent.timeline + 1, from: left, before: before, of: parent.incarnation, &random)
      }
    }
    for number in 0..<Int.random(in: 0...6, using: &random) {
      let index = Int.random(in: stretches.indices, using: &random)
      let (from, end) = (stretches[index].from / unit, stretches[index].end / unit)
      guard end >= from + 3 else { continue }
      let start = UInt64.random(in: from...end - 2, using: &random)
      bases.append(
        (
          index,
          RecoveryBase(
            snapshot: "s\(number)", incarnation: stretches[index].incarnation,
            timeline: TimelineID(stretches[index].timeline), startLSN: LSN(start * unit + 40),
            stopLSN: LSN(start * unit + unit), stopTime: PostgresTime(microseconds: Int64(start)))
        ))
    }
  }

  private mutating func add(
    _ id: IncarnationID?, parent: Incarnation.Parent?, timeline: UInt32, from: UInt64,
    before: [(stretch: Int, left: UInt64)], of owner: IncarnationID? = nil, _ random: inout some RandomNumberGenerator
  ) {
    guard let incarnation = id ?? owner else { return }
    let end = from + UInt64.random(in: 4...60, using: &random) * (Self.size.bytes / 4)
    stretches.append(Stretch(incarnation: incarnation, timeline: timeline, from: from, end: end, before: before))
    guard id != nil else { return }
    documents.append(
      Incarnation(
        id: incarnation, parent: parent, timeline: TimelineID(timeline), systemIdentifier: 7, majorVersion: 15,
        segmentSize: Self.size, createdAt: PostgresTime(microseconds: 0)))
  }

  var tree: IncarnationTree { IncarnationTree(documents) }

  /// The longest line of descent, the youngest first.
  var line: [IncarnationID] {
    documents.map { tree.ancestry(of: $0.id).map(\.id) }.max { $0.count < $1.count } ?? []
  }

  /// The ways of the log, made from history files as PostgreSQL writes them.
  func ways() throws -> [Lineage] {
    try stretches.map { stretch in
      let text = stretch.before.map { "\(stretches[$0.stretch].timeline)\t\(LSN($0.left))\treason\n" }.joined()
      let history = try TimelineHistory(timeline: TimelineID(stretch.timeline), parsing: text)
      guard let incarnation = tree[stretch.incarnation] else { throw TestFailure("no document") }
      return try Lineage(to: history, of: incarnation, in: tree)
    }
  }

  /// A file of the log.
  struct File: Hashable {
    var incarnation: IncarnationID
    var timeline: UInt32
    var number: UInt64
  }

  /// All files there are.
  var files: Set<File> {
    Set(
      stretches.flatMap { stretch in
        (stretch.from / Self.size.bytes...(stretch.end - 1) / Self.size.bytes).map {
          File(incarnation: stretch.incarnation, timeline: stretch.timeline, number: $0)
        }
      })
  }

  /// Every file that PostgreSQL may read when it recovers from a base backup to anywhere: of each way that holds it.
  var needed: Set<File> {
    var needed: Set<File> = []
    for (at, base) in bases {
      for (index, stretch) in stretches.enumerated() {
        let way = stretch.before + [(index, UInt64.max)]
        guard let position = way.firstIndex(where: { $0.stretch == at }), base.stopLSN.bytes <= way[position].left
        else {
          continue
        }
        for piece in way[position...] {
          let log = stretches[piece.stretch]
          let first = piece.stretch == at ? base.startLSN.bytes : log.from
          let end = min(piece.left, log.end)
          guard first < end else { continue }
          for number in first / Self.size.bytes...(end - 1) / Self.size.bytes {
            needed.insert(File(incarnation: log.incarnation, timeline: log.timeline, number: number))
          }
        }
      }
    }
    return needed
  }
}

@Suite("Expiry of the log")
struct WALExpiryTests {
  private static func stays(_ file: Lives.File, by expiry: WALExpiry) -> Bool {
    switch expiry.kept[file.incarnation] {
    case .everything, nil: true
    case .from(let first): first[TimelineID(file.timeline)].map { file.number >= $0 } ?? false
    }
  }

  @Test(
    "of random trees of lives nothing goes that a base backup needs, and all goes that lies before it")
  func property() throws {
    for seed in 0..<1000 as Range<UInt64> { try check(seed) }
  }

  private func check(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let lives = Lives(&random)
    let active = Bool.random(using: &random) ? lives.documents.randomElement(using: &random)?.id : nil
    let expiry = WALExpiry(
      tree: lives.tree, ways: try lives.ways(), bases: lives.bases.map(\.base), archived: active)
    let needed = lives.needed
    #expect(needed.filter { !Self.stays($0, by: expiry) }.isEmpty, "seed \(seed)")
    guard !lives.bases.isEmpty else {
      #expect(lives.files.allSatisfy { Self.stays($0, by: expiry) }, "seed \(seed): no base backup")
      return
    }
    for file in lives.files {
      let ofTimeline = needed.filter { $0.incarnation == file.incarnation && $0.timeline == file.timeline }
      let ofIncarnation = needed.filter { $0.incarnation == file.incarnation }
      let mayBeArchived = active == nil || active == file.incarnation
      let isKept = Self.stays(file, by: expiry)
      if let first = ofTimeline.map(\.number).min() {
        #expect(isKept == (file.number >= first), "seed \(seed), \(file)")
      } else if ofIncarnation.isEmpty || ofIncarnation.allSatisfy({ $0.timeline < file.timeline }) {
        #expect(isKept == mayBeArchived, "seed \(seed), \(file)")
      } else {
        #expect(!isKept, "seed \(seed), \(file)")
      }
    }
  }

  @Test("where a timeline's history is not known, nothing goes of that life and of those it came from")
  func unknown() throws {
    let trees = (0..<100 as Range<UInt64>).map { seed in
      var random = SeededGenerator(seed: seed)
      return Lives(&random)
    }
    let lives = try #require(trees.first { (2..<$0.documents.count).contains($0.line.count) })
    let (ids, leaf) = (Set(lives.documents.map(\.id)), try #require(lives.line.first))
    let base = RecoveryBase(
      snapshot: "s", incarnation: leaf, timeline: TimelineID(9), startLSN: LSN(1), stopLSN: LSN(2),
      stopTime: PostgresTime(microseconds: 0))
    let other = try #require(IncarnationID("elsewhere"))
    let expiry = WALExpiry(
      tree: lives.tree, ways: try lives.ways(), unknown: [leaf], bases: [base], archived: other)
    let line = Set(lives.line)
    for id in ids { #expect(expiry.kept[id] == (line.contains(id) ? .everything : .from([:])), "\(id)") }
  }
}
