public import TidemarkAPI

/// The input of `discover`.
public struct DiscoverInput: Codable, Sendable, Equatable {
  /// What is listed.
  public var store: StoreInput
  /// The namespace whose repositories are looked into.
  public var namespace: String
  /// The snapshots that Backups tell of already, by Database: they are not read again.
  public var known: [String: [String]]

  /// An input of these parts.
  public init(store: StoreInput, namespace: String, known: [String: [String]]) {
    (self.store, self.namespace, self.known) = (store, namespace, known)
  }
}

/// What `discover` found.
public struct DiscoveryProduct: Codable, Sendable, Equatable {
  /// Bytes of all objects below the prefix.
  public var storedBytes: Int64
  /// The databases of the namespace that have a repository, by name.
  public var databases: [DiscoveredDatabase]
  /// The other namespaces that have something below the prefix, sorted.
  public var otherNamespaces: [String]
  /// Whether there are more unknown base backups than one run tells of: tell it these, and run it again.
  public var isCut: Bool

  /// The given findings.
  public init(
    storedBytes: Int64, databases: [DiscoveredDatabase] = [], otherNamespaces: [String] = [], isCut: Bool = false
  ) {
    (self.storedBytes, self.databases) = (storedBytes, databases)
    (self.otherNamespaces, self.isCut) = (otherNamespaces, isCut)
  }
}

/// What `discover` found of one database.
public struct DiscoveredDatabase: Codable, Sendable, Equatable {
  /// The Database's name.
  public var name: String
  /// Base backups that were not known, the newest first.
  public var backups: [DiscoveredBackup]
  /// Known snapshots that are not there.
  public var missing: [String]
  /// Why its repository could not be read; nil: it could, or there was no need to.
  public var failure: FailureStatus?

  /// The given findings.
  public init(
    name: String, backups: [DiscoveredBackup] = [], missing: [String] = [], failure: FailureStatus? = nil
  ) {
    (self.name, self.backups, self.missing, self.failure) = (name, backups, missing, failure)
  }
}
