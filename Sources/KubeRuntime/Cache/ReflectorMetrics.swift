import Metrics

/// A reflector's metrics under client-go's names, with the label `kind`.
struct ReflectorMetrics: Sendable {
  private let lists: Counter
  private let watches: Counter
  private let unreadable: Counter

  init(kind: String) {
    let dimensions = [("kind", kind)]
    lists = Counter(label: "reflector_lists_total", dimensions: dimensions)
    watches = Counter(label: "reflector_watches_total", dimensions: dimensions)
    unreadable = Counter(label: "reflector_undecodable_objects_total", dimensions: dimensions)
  }

  func listBegan() { lists.increment() }

  func watchBegan() { watches.increment() }

  func undecodable() { unreadable.increment() }
}
