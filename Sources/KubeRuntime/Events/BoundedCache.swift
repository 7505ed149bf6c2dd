/// A dictionary that forgets what was used longest ago when it grows past its capacity.
///
/// It drops a quarter at a time, so that keeping the order costs one sort in many insertions and no linked list.
struct BoundedCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private var entries: [Key: (value: Value, usedAt: UInt64)] = [:]
  private var uses: UInt64 = 0
  private let capacity: Int

  init(capacity: Int) {
    precondition(capacity > 0)
    self.capacity = capacity
  }

  var count: Int { entries.count }

  subscript(key: Key) -> Value? {
    get { entries[key]?.value }
    set {
      uses += 1
      entries[key] = newValue.map { ($0, uses) }
      if entries.count > capacity { forget() }
    }
  }

  private mutating func forget() {
    let kept = capacity - capacity / 4
    let times = entries.values.map(\.usedAt).sorted(by: >)
    let oldest = times[kept - 1]
    entries = entries.filter { $0.value.usedAt >= oldest }
  }
}
