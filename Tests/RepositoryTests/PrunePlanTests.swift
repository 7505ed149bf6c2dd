import Repository
import Testing

@Suite struct PrunePlanTests {
  private static let megabyte: Int64 = 1_000_000

  /// A pack of so many megabytes that are used, and so many that are not.
  private func pack(_ used: Int64, _ unused: Int64, _ content: PackUse.Content = .data) -> PackUse {
    PackUse(
      content: content, usedBlobs: used > 0 ? 3 : 0, unusedBlobs: unused > 0 ? 2 : 0,
      usedBytes: used * Self.megabyte, unusedBytes: unused * Self.megabyte)
  }

  private func fates(_ packs: [PackUse], _ change: (inout PruneOptions) -> Void = { _ in }) -> [PrunePlan.Fate] {
    var options = PruneOptions()
    change(&options)
    return PrunePlan(packs, options, packSize: 16 << 20).fates
  }

  @Test("a pack of which nothing is needed is removed, one of which all is needed stays")
  func extremes() {
    #expect(fates([pack(16, 0), pack(0, 16), pack(16, 0, .trees)]) == [.keep, .remove, .keep])
    #expect(fates([]) == [])
  }

  @Test("up to 5 % of waste stay; above that the worst packs are packed again, until no more than that is left")
  func tolerance() {
    // 190 MB are used, so 10 MB may stay.
    let full = Array(repeating: pack(16, 0), count: 10)
    #expect(fates(full + [pack(10, 5), pack(10, 4), pack(10, 1)]) == Array(repeating: .keep, count: 13))
    #expect(
      fates(full + [pack(10, 4), pack(10, 5), pack(10, 6)])
        == Array(repeating: .keep, count: 10) + [.keep, .keep, .repack])
    #expect(
      fates(full + [pack(10, 4), pack(2, 14), pack(18, 8)])
        == Array(repeating: .keep, count: 10) + [.keep, .repack, .repack])
  }

  @Test(
    "the tolerance may be percent, bytes, or any amount",
    arguments: [
      (PruneOptions.Tolerance.percent(0), 3), (.percent(5), 3), (.percent(20), 2), (.percent(40), 1), (.percent(60), 0),
      (.bytes(0), 3), (.bytes(10_000_000), 2), (.bytes(15_000_000), 1), (.bytes(27_000_000), 0), (.unlimited, 0),
    ])
  func kinds(tolerance: PruneOptions.Tolerance, repacked: Int) {
    // 24 MB used, 27 unused: 12, 9 and 6.
    let fates = fates([pack(4, 12), pack(8, 9), pack(12, 6)]) { $0.tolerance = tolerance }
    #expect(fates == (0..<3).map { $0 < repacked ? .repack : .keep })
  }

  @Test("what is removed whole does not count as waste that is left")
  func removedIsNoWaste() {
    #expect(fates([pack(16, 0), pack(0, 16), pack(15, 1)]) == [.keep, .remove, .keep])
  }

  @Test("trees are kept dense whatever is tolerated, and mixed or uncompressed ones are packed again")
  func trees() {
    var plain = pack(16, 0, .trees)
    plain.hasPlainTrees = true
    let packs = [pack(15, 1, .trees), pack(16, 0, .mixed), plain, pack(16, 0, .trees)]
    #expect(fates(packs) { $0.tolerance = .unlimited } == [.repack, .repack, .repack, .keep])
  }

  @Test("small packs are put together once there are ten of them")
  func smallPacks() {
    let full = Array(repeating: pack(16, 0), count: 5)
    let nine = Array(repeating: pack(1, 0), count: 9)
    #expect(fates(full + nine) == Array(repeating: .keep, count: 14))
    #expect(
      fates(full + nine + [pack(1, 0)])
        == Array(repeating: .keep, count: 5) + Array(repeating: .repack, count: 10))
    #expect(fates(full + nine) { $0.smallPack = 20_000_000 } == Array(repeating: .repack, count: 14))
  }

  @Test("where all packs are small because they are written so, they stay")
  func smallPackSize() {
    var options = PruneOptions()
    options.tolerance = .percent(5)
    let plan = PrunePlan(Array(repeating: pack(1, 0), count: 40), options, packSize: 1_200_000)
    #expect(plan.fates == Array(repeating: .keep, count: 40))
  }

  @Test("no more is packed again than was allowed, the worst first")
  func bound() {
    let packs = [pack(12, 4), pack(4, 12), pack(8, 8)]
    #expect(fates(packs) { $0.repackedAtMost = 35_000_000 } == [.keep, .repack, .repack])
    #expect(fates(packs) { $0.repackedAtMost = 0 } == [.keep, .keep, .keep])
  }

  @Test("the plan says how much stays unused")
  func remaining() {
    let plan = PrunePlan([pack(95, 4), pack(0, 16), pack(8, 8)], PruneOptions(), packSize: 16 << 20)
    #expect(plan.fates == [.keep, .remove, .repack])
    #expect(plan.remainingUnused == 4_000_000)
  }

  @Test("a tolerance that is none is refused")
  func refused() {
    for tolerance in [PruneOptions.Tolerance.percent(-1), .percent(100), .percent(.nan), .bytes(-1)] {
      var options = PruneOptions()
      options.tolerance = tolerance
      #expect(throws: RepositoryError.self) { try options.check() }
    }
  }
}
