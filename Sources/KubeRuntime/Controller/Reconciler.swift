public import KubeModel

/// Brings one object of a kind closer to what its spec asks for.
public protocol Reconciler: Sendable {
  /// Looks at the object of `key` as it is now, and does what is to be done.
  ///
  /// The key may name an object that is gone: then there is nothing to do but to forget it. What changed is not told;
  /// many changes may be behind one call, and a call may find nothing changed. An error has the key tried again after
  /// its backoff. The task is cancelled when leadership is lost, or when a shutdown takes too long.
  func reconcile(_ key: ObjectKey) async throws -> ReconcileResult
}

/// What a successful reconcile asks for.
public enum ReconcileResult: Hashable, Sendable {
  /// Nothing, until something changes.
  case done
  /// To run again after so long, unless something changes before.
  case requeue(after: Duration)
}

/// Which updates of an object are worth a reconcile. Additions and deletions always are.
public struct ChangeFilter<R: KubeResource>: Sendable {
  private let passes: @Sendable (_ old: R, _ new: R) -> Bool

  /// Updates for which `passes` says so.
  public init(_ passes: @escaping @Sendable (_ old: R, _ new: R) -> Bool) {
    self.passes = passes
  }

  /// Every update.
  public static var anyChange: Self { Self { _, _ in true } }

  /// A new generation (the spec changed, or deletion was asked for) or other finalizers. Changes of status, labels and
  /// annotations are left out.
  public static var generationChanged: Self {
    Self { old, new in
      old.metadata.generation != new.metadata.generation
        || old.metadata.isDeleting != new.metadata.isDeleting
        || old.metadata.finalizers != new.metadata.finalizers
    }
  }

  /// Updates that pass this filter or the other.
  public func or(_ other: Self) -> Self {
    Self { old, new in self.passes(old, new) || other.passes(old, new) }
  }

  /// Whether this change is worth a reconcile.
  package func passes(_ change: StoreChange<R>) -> Bool {
    guard case .updated(let old, let new) = change else { return true }
    return passes(old, new)
  }
}
