public import TidemarkAPI

/// Where a dump lies in a destination.
public struct DumpLocation: Codable, Sendable, Equatable {
  /// The object's key below the destination's prefix, or the file's path in `snapshot`; nil: the only file of the
  /// snapshot, as `dump` stores it.
  public var key: String?
  /// The restic snapshot that holds the file: its id, the beginning of its id, or `latest`; nil: the object itself.
  public var snapshot: String?
  /// What the keys of the snapshot's repository begin with, below the destination's prefix.
  public var repositoryPrefix: String?
  /// How the dump is written; nil: told from its first bytes.
  public var format: DumpFormat?

  /// The dump at the given place.
  public init(key: String?, snapshot: String? = nil, repositoryPrefix: String? = nil, format: DumpFormat? = nil) {
    (self.key, self.snapshot, self.repositoryPrefix, self.format) = (key, snapshot, repositoryPrefix, format)
  }
}

/// The databases that an import works on: which one the dump becomes, and what it and its predecessor are called
/// meanwhile and after.
public struct ImportNames: Codable, Sendable, Equatable {
  /// The database that holds the dump at the end.
  public var database: String
  /// The database that the dump is loaded into.
  public var temporary: String
  /// What the database that had the name before is called at the end.
  public var kept: String

  /// The names for a dump that becomes `database`, loaded for the resource with `uid`: `<database>_import_<8>` and
  /// `<database>_before_<8>`, with the first eight digits of the uid. A long name is cut so that they fit PostgreSQL's
  /// 63 bytes.
  public init(database: String, uid: String) {
    self.database = database
    func name(_ ending: String) -> String {
      var beginning = database
      while beginning.utf8.count + ending.utf8.count > 63 { beginning.removeLast() }
      return beginning + ending
    }
    temporary = name(Self.temporaryEnding(uid: uid))
    kept = name("_before_\(Self.mark(uid))")
  }

  /// How the name of every temporary database ends that is loaded for the resource with `uid`.
  public static func temporaryEnding(uid: String) -> String { "_import_\(mark(uid))" }

  private static func mark(_ uid: String) -> String { String(uid.filter(\.isHexDigit).prefix(8)).lowercased() }
}

/// The input of `import`.
public struct ImportInput: Codable, Sendable, Equatable {
  /// The RestoreRequest.
  public var request: ServedResource
  /// Where progress is written.
  public var cluster: ClusterAccess
  /// Where the dump lies.
  public var store: StoreInput
  /// Which dump.
  public var source: DumpLocation
  /// The server, with a role that may create databases.
  public var server: ServerInput
  /// The databases.
  public var names: ImportNames
  /// The folder of PostgreSQL's client programs; nil: where Debian has them.
  public var programDirectory: String?

  /// An input of these parts.
  public init(
    request: ServedResource, cluster: ClusterAccess, store: StoreInput, source: DumpLocation, server: ServerInput,
    names: ImportNames, programDirectory: String? = nil
  ) {
    self.request = request
    self.cluster = cluster
    self.store = store
    self.source = source
    self.server = server
    self.names = names
    self.programDirectory = programDirectory
  }
}

/// The input of `dump`.
public struct DumpInput: Codable, Sendable, Equatable {
  /// The Backup.
  public var backup: ServedResource
  /// Where progress is written.
  public var cluster: ClusterAccess
  /// Where the snapshot goes.
  public var store: StoreInput
  /// The database's place in the store.
  public var database: DatabasePlace
  /// The server, with a role that may read all of `server.database`, which is dumped.
  public var server: ServerInput
  /// The folder of PostgreSQL's client programs; nil: where Debian has them.
  public var programDirectory: String?

  /// An input of these parts.
  public init(
    backup: ServedResource, cluster: ClusterAccess, store: StoreInput, database: DatabasePlace, server: ServerInput,
    programDirectory: String? = nil
  ) {
    self.backup = backup
    self.cluster = cluster
    self.store = store
    self.database = database
    self.server = server
    self.programDirectory = programDirectory
  }
}
