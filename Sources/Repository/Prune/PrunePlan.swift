/// What a prune does with each pack: a function of what is in them.
///
/// Source: restic's `internal/repository/prune.go`, `decidePackAction`.
package struct PrunePlan: Sendable, Equatable {
  /// What becomes of a pack.
  package enum Fate: Sendable, Equatable {
    case keep
    /// Its needed blobs are written to new packs, then it is removed.
    case repack
    /// Nothing of it is needed.
    case remove
  }

  /// By number of the pack.
  package private(set) var fates: [Fate]
  /// Bytes of blobs that stay though nothing needs them.
  package private(set) var remainingUnused: Int64

  /// Fewer small packs are not worth the trouble; and a single one would be packed again by every prune.
  static let smallPacksAtLeast = 10
  /// restic's smallest reasonable pack.
  private static let smallestTarget: Int64 = 4 << 20

  /// The plan for `packs`, where this process writes packs of `packSize` bytes.
  package init(_ packs: [PackUse], _ options: PruneOptions, packSize: Int) {
    fates = Array(repeating: .keep, count: packs.count)
    let target = options.smallPack ?? Self.smallPack(packs, packSize: packSize)
    var unused = packs.reduce(0) { $0 + $1.unusedBytes }
    var candidates: [Int] = []
    var small: [Int] = []
    for (number, pack) in packs.enumerated() {
      if pack.usedBlobs == 0 {
        fates[number] = .remove
        unused -= pack.unusedBytes
      } else if pack.unusedBlobs > 0 || pack.content == .mixed || pack.hasPlainTrees {
        candidates.append(number)
      } else if pack.size < target {
        small.append(number)
      }
    }
    if small.count >= Self.smallPacksAtLeast { candidates += small }
    candidates.sort { Self.goesFirst(packs[$0], packs[$1], target) }

    let tolerated = options.tolerance.bytes(beside: packs.reduce(0) { $0 + $1.usedBytes })
    var repacked: Int64 = 0
    for number in candidates {
      let pack = packs[number]
      let (sum, tooLarge) = repacked.addingReportingOverflow(pack.size)
      guard !tooLarge, sum <= options.repackedAtMost else { continue }
      // Trees are read by every backup and check, so they are always kept dense.
      let isWanted = pack.content != .data || pack.size < target || unused > tolerated
      guard isWanted else { continue }
      fates[number] = .repack
      repacked = sum
      unused -= pack.unusedBytes
    }
    remainingUnused = unused
  }

  /// Leaves a pack that was to be packed again as it is.
  mutating func postpone(_ number: Int, _ pack: PackUse) {
    guard fates[number] == .repack else { return }
    fates[number] = .keep
    remainingUnused += pack.unusedBytes
  }

  /// Trees first, then small packs, then those with the largest unused part.
  private static func goesFirst(_ left: PackUse, _ right: PackUse, _ target: Int64) -> Bool {
    if (left.content != .data) != (right.content != .data) { return left.content != .data }
    if (left.size < target) != (right.size < target) { return left.size < target }
    return Double(left.unusedBytes) * Double(right.usedBytes) > Double(right.unusedBytes) * Double(left.usedBytes)
  }

  /// Four fifths of the third percentile of sizes: where hardly any pack is small, nothing is packed again for that.
  private static func smallPack(_ packs: [PackUse], packSize: Int) -> Int64 {
    let sizes = packs.map(\.size).sorted()
    guard !sizes.isEmpty else { return 0 }
    return min(Int64(packSize), max(smallestTarget, sizes[sizes.count * 3 / 100])) * 4 / 5
  }
}
