import KubeModel
import KubeRuntime
import Synchronization

/// The objects of a store in groups, each in the order of lists, kept up to date with the store.
///
/// A page of a list of 10,000 costs a binary search and the page, not a sort of all. An insertion moves the entries
/// behind it, which are 24 bytes each.
final class Timeline<R: KubeResource>: Sendable {
  private struct Entry {
    var place: PageCursor
    var key: ObjectKey
  }

  private let groups = Mutex<[ObjectKey: [Entry]]>([:])
  private let store: Store<R>

  /// The objects of `store`, each in the group that `group` names, if any.
  init(_ store: Store<R>, group: @escaping @Sendable (R) -> ObjectKey?) {
    self.store = store
    store.onChange { [weak self] change in
      guard let timeline = self else { return }
      switch change {
      case .added(let object): timeline.insert(object, into: group(object))
      case .updated(let old, let new) where group(old) != group(new):
        timeline.remove(old, from: group(old))
        timeline.insert(new, into: group(new))
      case .updated: break
      case .deleted(let object): timeline.remove(object, from: group(object))
      }
    }
  }

  /// A page of a group.
  func page(_ request: PageRequest, of group: ObjectKey) -> Page<R> {
    let (entries, isLast) = groups.withLock { groups in
      guard let all = groups[group] else { return ([Entry](), true) }
      let first = request.after.map { after in Self.index(in: all) { $0 > after } } ?? 0
      let slice = all[first...].prefix(request.limit)
      return (Array(slice), slice.endIndex == all.endIndex)
    }
    let snapshot = store.snapshot
    return Page(items: entries.compactMap { snapshot[$0.key] }, next: isLast ? nil : entries.last?.place)
  }

  private func insert(_ object: R, into group: ObjectKey?) {
    guard let group else { return }
    let entry = Entry(place: PageCursor(object.metadata), key: object.key)
    groups.withLock { groups in
      let index = Self.index(in: groups[group] ?? []) { $0 >= entry.place }
      groups[group, default: []].insert(entry, at: index)
    }
  }

  private func remove(_ object: R, from group: ObjectKey?) {
    guard let group else { return }
    let place = PageCursor(object.metadata)
    groups.withLock { groups in
      guard let entries = groups[group] else { return }
      let index = Self.index(in: entries) { $0 >= place }
      guard index < entries.count, entries[index].place == place else { return }
      groups[group]?.remove(at: index)
      if groups[group]?.isEmpty == true { groups[group] = nil }
    }
  }

  /// The first index whose place fulfils `isBehind`, which holds for all after it too.
  private static func index(in entries: [Entry], where isBehind: (PageCursor) -> Bool) -> Int {
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if isBehind(entries[middle].place) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
