import KubeModel

/// A part of a list, newest first.
struct Page<Item> {
  var items: [Item]
  /// Where the next part begins; nil where this is the last.
  var next: PageCursor?

  /// The same part with its items shown otherwise.
  func map<Other>(_ transform: (Item) -> Other) -> Page<Other> { Page<Other>(items: items.map(transform), next: next) }
}

/// How much of a list is asked for.
struct PageRequest: Sendable {
  static let defaultLimit = 100
  static let largestLimit = 1000

  var limit = PageRequest.defaultLimit
  /// The last item of the page before.
  var after: PageCursor?
}

/// A place in a list that is ordered by creation, the newest first: after the object that it names.
///
/// Its text is opaque to callers. It names an object and no number, so that what is created or deleted meanwhile neither
/// repeats nor hides anything else.
struct PageCursor: Comparable, Sendable, CustomStringConvertible {
  /// Seconds since 1970.
  let created: Int64
  let uid: String

  init(created: Int64, uid: String) { (self.created, self.uid) = (created, uid) }

  init(_ metadata: ObjectMeta) {
    self.init(created: metadata.creationTimestamp?.secondsSince1970 ?? 0, uid: metadata.uid ?? "")
  }

  /// Reads a cursor's text; nil where it is none.
  init?(_ text: String) {
    let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, (1...12).contains(parts[0].utf8.count), let created = Int64(parts[0]), created >= 0,
      parts[0].first != "+", ResourceID.isUID(String(parts[1]))
    else { return nil }
    self.init(created: created, uid: String(parts[1]))
  }

  var description: String { "\(created)-\(uid)" }

  /// The newer one comes first; of the same second the one with the smaller uid.
  static func < (left: PageCursor, right: PageCursor) -> Bool {
    left.created == right.created ? left.uid < right.uid : left.created > right.created
  }
}

extension Page where Item: KubeResource {
  /// The part that is asked for of all these objects, which are in no order.
  init(_ request: PageRequest, of objects: [Item]) {
    let places = objects.map { (PageCursor($0.metadata), $0) }
      .filter { place in request.after.map { $0 < place.0 } ?? true }
      .sorted { $0.0 < $1.0 }
    items = places.prefix(request.limit).map(\.1)
    next = places.count > request.limit ? places[request.limit - 1].0 : nil
  }
}
