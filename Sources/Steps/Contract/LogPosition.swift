import PostgresEngine
public import TidemarkAPI

extension ArchivingStatus {
  /// Whether all log up to `lsn` is stored; false where either position is not known.
  public func holdsLog(upTo lsn: String) -> Bool {
    guard let stored = lastLSN.flatMap({ LSN($0) }), let wanted = LSN(lsn) else { return false }
    return stored >= wanted
  }
}

extension Database {
  /// The incarnation that the server `instance` lives: the one that a clone or a restore began, or the one that its
  /// system identifier names; nil while that is not known.
  public func incarnation(of instance: DatabaseInstance) -> String? {
    instance.incarnation
      ?? originalSystemIdentifier.flatMap { UInt64($0) }.map { IncarnationID.root(systemIdentifier: $0).text }
  }
}
