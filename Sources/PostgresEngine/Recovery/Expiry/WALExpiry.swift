/// Which of the stored log no base backup can need any more: a value, made of what is there.
///
/// A base backup needs the log from its start on, along every way that leads from it: on its own timeline, on those that
/// followed, and in each incarnation that left there. So:
/// - With no base backup at all, all log stays.
/// - Of a timeline that a base backup reaches, log before the earliest place at which one does goes, all after stays.
///   Nothing is ever removed in the middle, where a hole would look like a loss.
/// - Of an incarnation that none reaches, all log goes; `incarnation.json` stays, as others may name it as their parent.
///   But the one that is being archived keeps all, and what it has on timelines that are newer than those reached: the
///   base backup that will reach it may be under way.
/// - Where it is not known how an incarnation's timelines hang together, since a history file is missing, nothing is
///   removed of it and of what it came from.
public struct WALExpiry: Sendable, Hashable {
  /// What stays of one incarnation's log.
  public enum Kept: Sendable, Hashable {
    /// All of it.
    case everything
    /// By timeline the number of the first segment that stays. Of timelines that are not named, nothing stays; where
    /// none is, the history files and the notes of gaps go as well.
    case from([TimelineID: UInt64])
  }

  /// By incarnation.
  public private(set) var kept: [IncarnationID: Kept] = [:]

  /// What of the log of `tree`'s incarnations stays for `bases`, which are all that are left.
  ///
  /// `ways` are the ways of the log to each timeline of each incarnation that has log or a base backup; `unknown` are
  /// the incarnations of which not all ways are known; `archived` is the incarnation that is being archived now, nil
  /// where that is not known, when each may be the one.
  public init(
    tree: IncarnationTree, ways: [Lineage], unknown: Set<IncarnationID> = [], bases: [RecoveryBase],
    archived: IncarnationID?
  ) {
    let untouchable = Set(unknown.flatMap { id in tree.ancestry(of: id).map(\.id) })
    var first: [IncarnationID: [TimelineID: UInt64]] = [:]
    for way in ways {
      for (piece, number) in way.needs(bases) {
        let known = first[piece.incarnation]?[piece.timeline]
        first[piece.incarnation, default: [:]][piece.timeline] = min(known ?? number, number)
      }
    }
    for id in tree.incarnations.keys {
      let mayBeArchived = archived == nil || archived == id
      guard !bases.isEmpty, !untouchable.contains(id), first[id] != nil || !mayBeArchived else {
        kept[id] = .everything
        continue
      }
      var timelines = first[id] ?? [:]
      if mayBeArchived, let newest = timelines.keys.max() {
        let own = ways.compactMap(\.pieces.last).filter { $0.incarnation == id && $0.timeline > newest }
        for piece in own { timelines[piece.timeline] = 0 }
      }
      kept[id] = .from(timelines)
    }
  }
}

extension Lineage {
  /// The pieces of this way that some of the base backups needs, each with the first segment of it.
  fileprivate func needs(_ bases: [RecoveryBase]) -> [(piece: Piece, first: UInt64)] {
    let held = bases.filter { holds($0) }
    guard let earliest = held.min(by: { ($0.timeline, $0.startLSN) < ($1.timeline, $1.startLSN) }),
      let index = pieces.firstIndex(where: { $0.timeline == earliest.timeline })
    else { return [] }
    return pieces[index...].map { piece in
      (piece, number(of: piece.timeline == earliest.timeline ? earliest.startLSN : piece.from))
    }
  }
}
