import NIOCore
import Repository
import Synchronization

extension PruneOptions {
  /// These, with so much patience.
  func waiting(_ patience: Duration) -> PruneOptions {
    var options = self
    options.patience = patience
    return options
  }
}

extension PruneProgress.Phase {
  var order: Int { Self.allCases.firstIndex(of: self) ?? -1 }
}

/// What a prune told, in its order.
final class Told: Sendable {
  private let progress = Mutex<[PruneProgress]>([])

  func add(_ progress: PruneProgress) { self.progress.withLock { $0.append(progress) } }

  var all: [PruneProgress] { progress.withLock { $0 } }
}
