/// How thorough a prune is, and how long it waits. The defaults are restic's.
public struct PruneOptions: Sendable {
  /// How much that no snapshot needs may stay, because packing the rest again would cost more than it gives.
  public enum Tolerance: Sendable, Hashable {
    /// This part of what is in the repository afterwards, from 0 to below 100.
    case percent(Double)
    /// So many bytes.
    case bytes(Int64)
    /// Any amount: only packs of which nothing is needed are removed.
    case unlimited
  }

  /// What may stay: 5 %.
  public var tolerance = Tolerance.percent(5)
  /// Bytes of packs that are packed again at most; no bound.
  public var repackedAtMost = Int64.max
  /// After so long no more packs are packed again: those are left to the next prune, with what nothing needs in them.
  /// Nil: no bound. What was begun is finished, about 256 MiB.
  public var repackingTime: Duration?
  /// Packs below so many bytes are put together where there are ten of them. Nil: four fifths of what the smallest
  /// packs of the repository have (the third percentile), but of 4 MiB at least and of this process's pack size at most.
  public var smallPack: Int64?
  /// How long to wait for the locks of others before `locked` is thrown; zero gives up at once.
  public var patience: Duration = .zero
  /// How old an upload in parts must be to count as one whose process died: 24 hours. More than any upload takes.
  package var abandonedUploadAge: Duration = .seconds(24 * 3600)
  /// Called now and then with how far it is; it must return soon.
  public var progress: @Sendable (PruneProgress) -> Void = { _ in }

  /// The defaults.
  public init() {}

  /// Throws `invalidRequest` for a tolerance that is none.
  package func check() throws {
    switch tolerance {
    case .percent(let percent) where !(0..<100).contains(percent):
      throw RepositoryError(
        .invalidRequest, "a prune cannot leave \(percent) % unused; expected a number from 0 to below 100")
    case .bytes(let bytes) where bytes < 0:
      throw RepositoryError(.invalidRequest, "a prune cannot leave \(bytes) bytes unused; expected 0 or more")
    case .percent, .bytes, .unlimited: return
    }
  }
}

extension PruneOptions.Tolerance {
  /// Bytes that may stay unused beside `used` bytes.
  func bytes(beside used: Int64) -> Int64 {
    switch self {
    case .percent(let percent): Int64(percent / (100 - percent) * Double(used))
    case .bytes(let bytes): bytes
    case .unlimited: .max
    }
  }
}
