public import KubeModel

/// What is known of a database.
public struct DatabaseStatus: Codable, Sendable, Equatable {
  /// The generation of the spec that the rest speaks of.
  public var observedGeneration: Int64?
  /// `Ready`, `Archiving`, `Reconciling`, `Stalled`.
  public var conditions: [Condition]?
  /// The server's version, for example `15.18`.
  public var serverVersion: String?
  /// The cluster's system identifier, a decimal number.
  public var systemIdentifier: String?
  /// The system identifier of the server of `spec.connection`, while clients are on an instance that holds another
  /// system's data.
  public var originalSystemIdentifier: String?
  /// Where the live instance is reached.
  public var endpoint: Endpoint?
  /// The incarnation that is archived now.
  public var activeIncarnation: String?
  /// All incarnations, the oldest first.
  public var incarnations: [IncarnationStatus]?
  /// What can be recovered.
  public var recoveryWindow: RecoveryWindowStatus?
  /// How far the archive is.
  public var archiving: ArchivingStatus?
  /// The name of the newest Completed Backup.
  public var lastBackup: String?

  /// A status that says nothing yet.
  public init() {}
}

/// A host and a port.
public struct Endpoint: Codable, Sendable, Equatable {
  /// A host name, an address, or a folder with a Unix socket.
  public var host: String
  /// The TCP port.
  public var port: Int

  /// This host and port.
  public init(host: String, port: Int) { (self.host, self.port) = (host, port) }
}

/// One physical life of a database.
public struct IncarnationStatus: Codable, Sendable, Equatable {
  /// Its name in the bucket.
  public var id: String
  /// The incarnation that it left; nil for the first.
  public var parent: String?
  /// The timeline it began on.
  public var timeline: UInt32
  /// Where it left its parent.
  public var forkLSN: String?
  /// The instance that lives it; nil: the original server.
  public var instance: String?
  /// When it began to be archived.
  public var since: Timestamp?

  /// An incarnation with the given facts.
  public init(
    id: String, parent: String? = nil, timeline: UInt32, forkLSN: String? = nil, instance: String? = nil,
    since: Timestamp? = nil
  ) {
    (self.id, self.parent, self.timeline) = (id, parent, timeline)
    (self.forkLSN, self.instance, self.since) = (forkLSN, instance, since)
  }
}

/// The span of time that can be recovered, and what is missing in it.
public struct RecoveryWindowStatus: Codable, Sendable, Equatable {
  /// The end of the oldest usable base backup.
  public var earliest: MicroTime?
  /// The time of the last stored commit.
  public var latest: MicroTime?
  /// The LSN of the last stored commit.
  public var latestLSN: String?
  /// What cannot be recovered between the two.
  public var gaps: [RecoveryGapStatus]?

  /// A window with the given bounds.
  public init(
    earliest: MicroTime? = nil, latest: MicroTime? = nil, latestLSN: String? = nil, gaps: [RecoveryGapStatus]? = nil
  ) {
    (self.earliest, self.latest, self.latestLSN, self.gaps) = (earliest, latest, latestLSN, gaps)
  }
}

/// A span of time inside the window that cannot be recovered.
public struct RecoveryGapStatus: Codable, Sendable, Equatable {
  /// The last moment before the gap that can be recovered.
  public var from: MicroTime
  /// The first moment after it; nil while no base backup has closed the gap.
  public var to: MicroTime?
  /// Why there is a gap.
  public var reason: String

  /// A gap from `from` to `to`.
  public init(from: MicroTime, to: MicroTime?, reason: String) {
    (self.from, self.to, self.reason) = (from, to, reason)
  }
}

/// How far the archive of the write-ahead log is.
public struct ArchivingStatus: Codable, Sendable, Equatable {
  /// The replication slot in use.
  public var slot: String?
  /// The newest segment that is stored whole.
  public var lastSegment: String?
  /// Up to where all bytes are stored.
  public var lastLSN: String?
  /// The time of the last stored commit.
  public var lastCommitTime: MicroTime?
  /// Bytes of log that the server has written and the store does not hold.
  public var lagBytes: Int64?
  /// How long the oldest of them has been waiting, in seconds.
  public var lagSeconds: Double?

  /// A status that says nothing yet.
  public init() {}
}
