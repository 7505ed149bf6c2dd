import KubeModel
import Logging
import ObjectStore
import PostgresEngine
import Repository
import Synchronization
import TidemarkAPI

/// `wal-receive`: streams a server's write-ahead log into the archive until it is told to stop, and keeps the
/// Database's recovery window true meanwhile.
struct WALReceiveStep {
  let input: WALReceiveInput
  let folder: StepFolder
  let logger: Logger

  /// How often the window is read anew: base backups come and go beside the log.
  private static let windowInterval: Duration = .seconds(10)

  func run() async throws -> StepProduct {
    try await StatusReport<Database>.with(input.resource, input.cluster, every: .seconds(2), logger: logger) { report in
      let view = ArchiveView(report, instances: input.instances ?? [:])
      do {
        try await input.store.withStore(in: folder, at: input.database.prefix) { store in
          let archive = try await DatabaseArchive.openOrCreate(
            store, password: try input.store.password(in: folder), logger: logger)
          try await receive(archive, view)
        }
      } catch {
        guard !Task.isCancelled else { return .nothing }
        if case .failed(let failure) = StepFailure.result(of: error) { view.failed(failure) }
        throw error
      }
      return .nothing
    }
  }

  private func receive(_ archive: DatabaseArchive, _ view: ArchiveView) async throws {
    let settings = try input.server.settings(in: folder)
    let incarnation = try await ownIncarnation(archive, settings)
    let receiver = WALReceiver(
      configuration: WALReceiver.Configuration(
        connection: settings, slot: input.slotName, incarnation: incarnation,
        flushInterval: input.flushInterval.duration),
      store: archive.store, key: archive.repository.key, logger: logger
    ) { view.received($0) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await receiver.run() }
      group.addTask { try await keepWindow(archive, view) }
      // The first to end is the receiver, with an error, or the cancellation.
      try await group.next()
      group.cancelAll()
    }
  }

  /// Begins the incarnation of a clone, with a note of where it comes from; nil: that of the original server.
  private func ownIncarnation(
    _ archive: DatabaseArchive, _ settings: PostgresConnectionSettings
  ) async throws -> IncarnationID? {
    guard let id = try input.incarnation.map(BaseBackupStep.incarnation) else { return nil }
    guard try await Incarnation.load(id, from: archive.store) == nil else { return id }
    let connection = try await ReplicationConnection.connect(settings)
    do {
      let (system, size) = (try await connection.identifySystem(), try await connection.walSegmentSize())
      let parent = try await parent(archive, connection, system.timeline)
      await connection.close()
      _ = try await Incarnation(
        id: id, parent: parent, timeline: system.timeline, systemIdentifier: system.systemIdentifier,
        majorVersion: connection.serverVersion.major, segmentSize: size,
        createdAt: PostgresTime(unixMicroseconds: MicroTime.now.microsecondsSince1970)
      ).create(in: archive.store)
      return id
    } catch {
      await connection.close()
      throw error
    }
  }

  /// Where the server's life left its parent. The last line of its history file is what really happened: replay may have
  /// stopped on an earlier timeline than the one it was pinned to, and that may be an earlier life's.
  private func parent(
    _ archive: DatabaseArchive, _ connection: ReplicationConnection, _ timeline: TimelineID
  ) async throws -> Incarnation.Parent? {
    guard let origin = input.origin else { return nil }
    let named = try BaseBackupStep.incarnation(origin.incarnation)
    let told = Incarnation.Parent(
      id: named, timeline: TimelineID(origin.timeline), forkLSN: LSN(origin.forkLSN) ?? LSN(0),
      database: origin.database)
    guard timeline.number > 1 else { return told }
    let file = try await connection.timelineHistory(timeline)
    guard let left = try TimelineHistory(timeline: timeline, parsing: file.content).ancestors.last else { return told }
    let tree = try await IncarnationTree.load(from: archive.store)
    let owner = origin.database == nil ? tree.owner(of: left.timeline, inLineOf: named)?.id : nil
    return Incarnation.Parent(
      id: owner ?? named, timeline: left.timeline, forkLSN: left.end, database: origin.database)
  }

  private func keepWindow(_ archive: DatabaseArchive, _ view: ArchiveView) async throws {
    var inventories: [IncarnationID: WALInventory] = [:]
    while true {
      if let incarnation = view.incarnation {
        do {
          // Asked before the store is: all below was there to be seen.
          let durable = view.durable
          let catalog = try await archive.catalog()
          let bases = try await archive.bases()
          let read = try await RecoveryWindow.read(incarnation, from: catalog, bases: bases, since: inventories)
          inventories = read.inventories
          var window = read.window
          window.gaps.removeAll { !GapSight.isLoss($0.reason, before: $0.toLSN, durable: durable) }
          view.windowRead(window, catalog.tree)
        } catch let error as ObjectStoreError where error.isWorthRetrying {
          logger.warning("window not read", metadata: ["error": "\(error)"])
        }
      }
      try await Task.sleep(for: view.incarnation == nil ? .milliseconds(200) : Self.windowInterval)
    }
  }
}

/// What the receiver and the window say together, as the Database's status has it.
private final class ArchiveView: Sendable {
  private struct State {
    var received: WALReceiverStatus?
    var window: RecoveryWindow?
    var tree: IncarnationTree?
    var failure: FailureStatus?
    /// When Archiving last became what it is.
    var transition: (status: Condition.Status, at: Timestamp)?
  }

  private let state = Mutex(State())
  private let report: StatusReport<Database>
  /// By incarnation.
  private let instances: [String: String]

  init(_ report: StatusReport<Database>, instances: [String: String]) {
    (self.report, self.instances) = (report, instances)
  }

  var incarnation: IncarnationID? { state.withLock { $0.received?.incarnation } }

  /// Up to where the receiver has stored everything.
  var durable: LSN? { state.withLock { $0.received?.lastLSN } }

  func received(_ status: WALReceiverStatus) { tell { $0.received = status } }

  func windowRead(_ window: RecoveryWindow, _ tree: IncarnationTree) {
    tell { ($0.window, $0.tree) = (window, tree) }
  }

  func failed(_ failure: FailureStatus) { tell { $0.failure = failure } }

  private func tell(_ change: (inout State) -> Void) {
    let told = state.withLock { state -> DatabaseStatus? in
      change(&state)
      // The window is being read; without it this status would take away the one that is there.
      let isBeginning = state.window == nil && state.failure == nil && state.received?.incarnation != nil
      return isBeginning ? nil : status(&state)
    }
    if let told { report.tell(told) }
  }

  private func status(_ state: inout State) -> DatabaseStatus {
    var status = DatabaseStatus()
    status.conditions = [Self.archiving(&state)]
    status.activeIncarnation = state.received?.incarnation?.text
    status.archiving = state.received.map(ArchivingStatus.init)
    status.incarnations = state.tree?.incarnations.values
      .sorted { $0.createdAt < $1.createdAt }
      .map { IncarnationStatus($0, instance: instances[$0.id.text]) }
    status.recoveryWindow = state.window.map { RecoveryWindowStatus($0, state.received) }
    return status
  }

  private static func archiving(_ state: inout State) -> Condition {
    let (value, reason, message): (Condition.Status, String, String)
    if let failure = state.failure {
      (value, reason, message) = (.false, failure.code, failure.message)
    } else if let gap = state.window?.gaps.last, gap.to == nil {
      (value, reason, message) = (
        .false, Reason.walGap,
        "log from \(gap.fromLSN) to \(gap.toLSN) is lost (\(gap.message)); a new base backup ends the gap"
      )
    } else if state.received?.phase == .streaming {
      (value, reason, message) = (.true, Reason.streaming, "the write-ahead log is being stored")
    } else {
      let why = state.received?.message ?? "connecting"
      (value, reason, message) = (.false, Reason.interrupted, "not streaming: \(why)")
    }
    let since = state.transition.flatMap { $0.status == value ? $0.at : nil } ?? .now
    state.transition = (value, since)
    return Condition(
      type: ConditionType.archiving, status: value, reason: reason, message: message, lastTransitionTime: since)
  }
}

extension ArchivingStatus {
  init(_ status: WALReceiverStatus) {
    self.init()
    slot = status.slot
    lastSegment = status.lastSegment
    lastLSN = status.lastLSN?.description
    lastCommitTime = status.lastCommitTime.map { MicroTime($0) }
    lagBytes = Int64(clamping: status.lagBytes)
    lagSeconds = (status.lagSeconds * 10).rounded() / 10
  }
}

extension IncarnationStatus {
  init(_ incarnation: Incarnation, instance: String?) {
    self.init(
      id: incarnation.id.text, parent: incarnation.parent?.id.text, timeline: incarnation.timeline.number,
      forkLSN: incarnation.parent?.forkLSN.description, instance: instance,
      since: MicroTime(incarnation.createdAt).timestamp)
  }
}

extension RecoveryWindowStatus {
  /// The window as last read, with the newest commit that the receiver has stored since.
  init(_ window: RecoveryWindow, _ received: WALReceiverStatus?) {
    let gaps = window.gaps.compactMap { gap -> RecoveryGapStatus? in
      // Where no commit before the gap is known, it begins with what can be recovered before it. Where nothing can,
      // there is no window yet that it could be a gap of.
      let known = gap.from ?? window.spans.last { $0.fromLSN <= gap.fromLSN }?.to
      return known.map {
        RecoveryGapStatus(from: MicroTime($0), to: gap.to.map { MicroTime($0) }, reason: gap.reason.rawValue)
      }
    }
    var latest = window.latest
    // Commits after an open gap are stored, and can't be recovered until a base backup follows.
    if window.gaps.last.map({ $0.to != nil }) ?? true, let last = received?.lastCommitTime, let known = latest {
      latest = max(known, last)
    }
    self.init(
      earliest: window.earliest.map { MicroTime($0) }, latest: latest.map { MicroTime($0) },
      latestLSN: window.latestLSN?.description, gaps: gaps.isEmpty ? nil : gaps)
  }
}
