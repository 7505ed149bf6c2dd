import Synchronization

/// Which blobs are in the repository and where, for many readers and writers at once.
///
/// A blob takes 48 bytes in an array that grows by chunks, and 4 to 11 bytes in a table of open addressing: a million
/// blobs take less than 60 MiB.
package final class BlobIndex: Sendable {
  private struct State: ~Copyable {
    var data = BlobTable()
    var tree = BlobTable()
    var packs: [PackID] = []
  }

  private let state = Mutex(State())

  package init() {}

  /// Where the blob lies; nil when the index does not know it.
  package func location(_ type: BlobType, _ id: BlobID) -> BlobLocation? {
    state.withLock { state in
      let entry =
        switch type {
        case .data: state.data.entry(id)
        case .tree: state.tree.entry(id)
        }
      return entry.map {
        BlobLocation(
          pack: state.packs[Int($0.pack)], offset: $0.offset, length: $0.length,
          uncompressedLength: $0.uncompressedLength)
      }
    }
  }

  /// Adds the blobs of packs. A blob that is known already keeps its first place.
  package func insert(_ packs: [PackContents]) {
    state.withLock { state in
      for pack in packs {
        let number = UInt32(state.packs.count)
        state.packs.append(pack.id)
        for blob in pack.blobs {
          let entry = BlobTable.Entry(
            id: blob.id, pack: number, offset: blob.offset, length: blob.length,
            uncompressedLength: blob.uncompressedLength)
          switch blob.type {
          case .data: state.data.insert(entry)
          case .tree: state.tree.insert(entry)
          }
        }
      }
    }
  }

  /// Forgets everything.
  package func removeAll() { state.withLock { $0 = State() } }

  /// How many distinct blobs there are.
  package var count: Int { state.withLock { $0.data.count + $0.tree.count } }

  /// Bytes of memory that the entries and the tables take.
  package var memory: Int { state.withLock { $0.data.memory + $0.tree.memory + $0.packs.capacity * 32 } }
}

/// Open addressing over fixed entries.
struct BlobTable: ~Copyable {
  struct Entry {
    let id: BlobID
    let pack: UInt32
    let offset: UInt32
    let length: UInt32
    let uncompressedLength: UInt32
  }

  /// 384 KiB.
  private static let chunkLength = 8192

  private(set) var count = 0
  private var chunks: [UnsafeMutablePointer<Entry>] = []
  /// Entry number plus one; 0 is free. The length is a power of two, and at most three quarters are taken.
  private var slots: UnsafeMutableBufferPointer<UInt32>
  /// Ids are hashes that others may choose; where they land in the table is not theirs to choose.
  private let seed = UInt64.random(in: .min ... .max) | 1

  init() {
    slots = .allocate(capacity: 1024)
    slots.initialize(repeating: 0)
  }

  deinit {
    for chunk in chunks { chunk.deallocate() }
    slots.deallocate()
  }

  var memory: Int {
    chunks.count * Self.chunkLength * MemoryLayout<Entry>.stride + slots.count * MemoryLayout<UInt32>.stride
  }

  func entry(_ id: BlobID) -> Entry? { number(of: id).map { self[$0] } }

  /// The number of the first entry with this id.
  func number(of id: BlobID) -> Int? {
    let slot = slots[slot(of: id)]
    return slot == 0 ? nil : Int(slot) - 1
  }

  /// Adds the entry, unless there is one with its id.
  mutating func insert(_ entry: Entry) {
    if number(of: entry.id) == nil { append(entry) }
  }

  /// Adds the entry, also where there is one with its id: then only its number leads to it. Numbers count from 0.
  mutating func append(_ entry: Entry) {
    if (count + 1) * 4 > slots.count * 3 { grow() }
    if count == chunks.count * Self.chunkLength { chunks.append(.allocate(capacity: Self.chunkLength)) }
    (chunks[count / Self.chunkLength] + count % Self.chunkLength).initialize(to: entry)
    count += 1
    let slot = slot(of: entry.id)
    if slots[slot] == 0 { slots[slot] = UInt32(count) }
  }

  subscript(number: Int) -> Entry { chunks[number / Self.chunkLength][number % Self.chunkLength] }

  /// The slot that holds `id`, or the free one where it belongs.
  private func slot(of id: BlobID) -> Int {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: id.digest.word0 &* seed &>> 20) & mask
    while slots[slot] != 0, self[Int(slots[slot]) - 1].id != id { slot = (slot + 1) & mask }
    return slot
  }

  private mutating func grow() {
    let old = slots
    slots = .allocate(capacity: old.count * 2)
    slots.initialize(repeating: 0)
    old.deallocate()
    for number in 0..<count {
      let slot = slot(of: self[number].id)
      if slots[slot] == 0 { slots[slot] = UInt32(number + 1) }
    }
  }
}
