import Synchronization

/// The whole index as a prune needs it: every place of every blob, pack by pack, and which blobs the snapshots need.
///
/// A place takes 48 bytes, 4 to 11 in a table of open addressing, and 2 more: a million of them less than 60 MiB.
package final class PruneIndex: Sendable {
  /// A pack, with the numbers of its places by type.
  private struct Pack {
    let id: PackID
    let data: Range<Int>
    let trees: Range<Int>
  }

  /// What is known of a blob; kept at the number of its first place.
  private struct Mark: OptionSet {
    let rawValue: UInt8
    /// A snapshot needs it.
    static let needed = Mark(rawValue: 1)
    /// It lies in a pack that stays, or will be in a new one.
    static let placed = Mark(rawValue: 2)
  }

  private struct Places: ~Copyable {
    var table = BlobTable()
    var marks: [Mark] = []

    /// Adds the places of a pack; their numbers.
    mutating func append(_ blobs: some Sequence<PackedBlob>, pack: UInt32) -> Range<Int> {
      let first = table.count
      for blob in blobs {
        table.append(
          BlobTable.Entry(
            id: blob.id, pack: pack, offset: blob.offset, length: blob.length,
            uncompressedLength: blob.uncompressedLength))
        marks.append([])
      }
      return first..<table.count
    }

    /// The number of the first place of the blob at `place`.
    func first(_ place: Int) -> Int { table.number(of: table[place].id) ?? place }

    /// How many places the needed blob of each first place has; saturates.
    func copies() -> [UInt8] {
      var copies = [UInt8](repeating: 0, count: table.count)
      for place in 0..<table.count {
        let first = first(place)
        if marks[first].contains(.needed), copies[first] < .max { copies[first] += 1 }
      }
      return copies
    }
  }

  private struct State: ~Copyable {
    var data = Places()
    var trees = Places()
    var packs: [Pack] = []
    var numbers: [PackID: Int] = [:]
  }

  private let state = Mutex(State())

  package init() {}

  /// Packs; numbers count from 0.
  var packCount: Int { state.withLock { $0.packs.count } }

  func packID(_ number: Int) -> PackID { state.withLock { $0.packs[number].id } }

  /// The number of a pack; nil when no index file lists it.
  func number(of pack: PackID) -> Int? { state.withLock { $0.numbers[pack] } }

  /// How many blobs a pack holds.
  package func blobCount(_ number: Int) -> Int {
    state.withLock { $0.packs[number].data.count + $0.packs[number].trees.count }
  }

  /// Adds packs as an index file lists them; their numbers. One that is known already, from another file, is not added
  /// again.
  package func insert(_ packs: [PackContents]) -> [Int] {
    state.withLock { state in
      packs.map { pack in
        if let known = state.numbers[pack.id] { return known }
        let number = state.packs.count
        let data = state.data.append(pack.blobs.lazy.filter { $0.type == .data }, pack: UInt32(number))
        let trees = state.trees.append(pack.blobs.lazy.filter { $0.type == .tree }, pack: UInt32(number))
        state.packs.append(Pack(id: pack.id, data: data, trees: trees))
        state.numbers[pack.id] = number
        return number
      }
    }
  }

  /// A pack as an index file is to list it.
  package func contents(_ number: Int) -> PackContents {
    state.withLock { state in
      let pack = state.packs[number]
      let blobs =
        pack.data.map { state.data.table[$0].packed(.data) } + pack.trees.map { state.trees.table[$0].packed(.tree) }
      return PackContents(id: pack.id, blobs: blobs.sorted { $0.offset < $1.offset })
    }
  }

  /// Where the blob lies: its first place.
  func location(_ type: BlobType, _ id: BlobID) -> BlobLocation? {
    state.withLock { state in
      let entry =
        switch type {
        case .data: state.data.table.entry(id)
        case .tree: state.trees.table.entry(id)
        }
      return entry.map { $0.location(in: state.packs[Int($0.pack)].id) }
    }
  }

  /// Notes that a snapshot needs these blobs; those of which that was not known before. Throws `blobNotFound` for one
  /// that is in no index file.
  package func need(_ type: BlobType, _ ids: [BlobID]) throws -> [BlobID] {
    try state.withLock { state in
      switch type {
      case .data: try Self.need(ids, .data, &state.data)
      case .tree: try Self.need(ids, .tree, &state.trees)
      }
    }
  }

  private static func need(_ ids: [BlobID], _ type: BlobType, _ places: inout Places) throws -> [BlobID] {
    try ids.filter { id in
      guard let number = places.table.number(of: id) else {
        throw RepositoryError(
          .blobNotFound,
          "a snapshot needs \(type.rawValue) blob \(id), which is in no index file. Nothing was pruned; run a check, "
            + "which says what is damaged, and forget the snapshots that cannot be restored")
      }
      return places.marks[number].insert(.needed).inserted
    }
  }

  /// What each pack is used for, when all needs have been noted. Of a needed blob with several places one counts.
  package func uses() -> [PackUse] {
    state.withLock { state in
      var uses = Array(repeating: PackUse.empty, count: state.packs.count)
      var (data, trees) = (state.data.copies(), state.trees.copies())
      for (number, pack) in state.packs.enumerated() {
        Self.count(pack.data, .data, state.data, data, &uses[number])
        Self.count(pack.trees, .tree, state.trees, trees, &uses[number])
      }
      for (number, pack) in state.packs.enumerated() where uses[number].duplicateBlobs > 0 {
        Self.settle(pack.data, state.data, &data, &uses[number])
        Self.settle(pack.trees, state.trees, &trees, &uses[number])
      }
      return uses
    }
  }

  private static func count(
    _ range: Range<Int>, _ type: BlobType, _ places: borrowing Places, _ copies: [UInt8], _ use: inout PackUse
  ) {
    for place in range {
      let entry = places.table[place]
      let blob: PackUse.Use =
        switch copies[places.first(place)] {
        case 0: .unused
        case 1: .used
        default: .duplicate
        }
      use.add(type, length: entry.length, isPlain: entry.uncompressedLength == 0, blob)
    }
  }

  /// Decides which place of a duplicate counts: one in a pack that is used anyway, or that has nothing but duplicates (a
  /// prune that was cut short wrote it), else the last. 0 copies left means that the next place is the last; 1 that it is
  /// settled. Source: restic's `packInfoFromIndex`.
  private static func settle(
    _ range: Range<Int>, _ places: borrowing Places, _ copies: inout [UInt8], _ use: inout PackUse
  ) {
    for place in range {
      let first = places.first(place)
      guard places.marks[first].contains(.needed), copies[first] != 1 else { continue }
      if use.usedBlobs > 0 || use.duplicateBlobs == use.unusedBlobs || copies[first] == 0 {
        use.claimDuplicate(length: places.table[place].length)
        copies[first] = 1
      } else {
        copies[first] -= 1
        if copies[first] == 1 { copies[first] = 0 }
      }
    }
  }

  /// Notes that the blobs of a pack stay where they are.
  package func keep(_ number: Int) {
    state.withLock { state in
      let pack = state.packs[number]
      for place in pack.data { state.data.marks[state.data.first(place)].insert(.placed) }
      for place in pack.trees { state.trees.marks[state.trees.first(place)].insert(.placed) }
    }
  }

  /// The blobs of a pack that have to be written to a new one: needed, and not to be found elsewhere. Each blob is
  /// given once, whatever pack is asked for.
  package func takeUnplaced(_ type: BlobType, of number: Int) -> [WantedBlob] {
    state.withLock { state in
      let pack = state.packs[number]
      switch type {
      case .data: return Self.takeUnplaced(pack.data, of: pack.id, &state.data)
      case .tree: return Self.takeUnplaced(pack.trees, of: pack.id, &state.trees)
      }
    }
  }

  private static func takeUnplaced(_ range: Range<Int>, of pack: PackID, _ places: inout Places) -> [WantedBlob] {
    range.compactMap { place in
      let first = places.first(place)
      guard places.marks[first].contains(.needed), places.marks[first].insert(.placed).inserted else { return nil }
      let entry = places.table[place]
      return WantedBlob(id: entry.id, location: entry.location(in: pack))
    }
  }

  /// Needed blobs that would be lost; there must be none before anything is removed.
  package var unplacedCount: Int {
    state.withLock { state in
      func count(_ marks: [Mark]) -> Int {
        marks.count { $0.contains(.needed) && !$0.contains(.placed) }
      }
      return count(state.data.marks) + count(state.trees.marks)
    }
  }
}

extension BlobTable.Entry {
  func location(in pack: PackID) -> BlobLocation {
    BlobLocation(pack: pack, offset: offset, length: length, uncompressedLength: uncompressedLength)
  }

  fileprivate func packed(_ type: BlobType) -> PackedBlob {
    PackedBlob(id: id, type: type, offset: offset, length: length, uncompressedLength: uncompressedLength)
  }
}
