import ObjectStore

extension PruneRun {
  /// Writes index files without the packs that go, and then removes those that they replace; how many.
  ///
  /// Replaced are the files that name a pack which goes, and small ones where there are ten: every backup leaves some.
  /// Until the last is removed, all old files are there, so a crash leaves blobs that are listed twice, which harms
  /// nothing.
  func replaceIndex(_ files: [IndexEntry], _ plan: PrunePlan, _ stock: Stock) async throws -> Int {
    let goes = plan.fates.indices.map { plan.fates[$0] != .keep || stock.sizes[$0] == nil }
    let counts = files.map { file in file.packs.reduce(0) { $0 + index.blobCount($1) } }
    let small = counts.map { $0 < IndexFile.maximumBlobs / 2 }
    let mergesSmall = small.count { $0 } >= Self.smallFilesAtLeast
    let replaced = files.indices.filter { number in
      (mergesSmall && small[number]) || files[number].packs.contains { goes[$0] }
    }
    guard !replaced.isEmpty else { return 0 }
    tell(.replacingIndex, 0, of: replaced.count)
    var listed: Set<Int> = []
    var packs: [PackContents] = []
    var blobs = 0
    for number in replaced.lazy.flatMap({ files[$0].packs }) where !goes[number] && listed.insert(number).inserted {
      let pack = index.contents(number)
      if blobs + pack.blobs.count > IndexFile.maximumBlobs, !packs.isEmpty {
        _ = try await repository.save(.index, IndexFile.encode(packs))
        (packs, blobs) = ([], 0)
      }
      packs.append(pack)
      blobs += pack.blobs.count
    }
    if !packs.isEmpty { _ = try await repository.save(.index, IndexFile.encode(packs)) }
    try lock.ensureHeld()
    try await repository.store.delete(replaced.map { UnpackedKind.index.key(files[$0].id) })
    tell(.replacingIndex, replaced.count, of: replaced.count)
    return replaced.count
  }
}
