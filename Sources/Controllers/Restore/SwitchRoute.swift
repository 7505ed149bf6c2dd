import Steps
package import TidemarkAPI

/// From which server a switch takes the clients, and to which.
package struct SwitchRoute: Equatable, Sendable {
  package var direction: SwitchDirection
  /// The live server before.
  package var old: DatabaseInstance
  /// The live server after.
  package var new: DatabaseInstance
  /// Whether the data directories change places, and the endpoint stays.
  package var isInPlace: Bool
  /// The instance beside the live one, where the data lie that are not served.
  package var aside: String?

  /// The way of a switch that is under way, or would begin now; nil where there is nothing to switch between.
  package init?(_ direction: SwitchDirection, of restore: RestoreRequest, _ database: Database) {
    guard let restored = restore.status?.instance else { return nil }
    let isUnderWay = restore.status?.switching != nil
    let remembered = restore.status?.previousInstance
    let previous = direction == .toRestored && !isUnderWay ? database.liveInstance : remembered
    guard let previous else { return nil }
    self.direction = direction
    isInPlace = (restore.status?.strategy ?? restore.spec.strategy) == .inPlace
    aside = isInPlace ? restored.name : nil
    let (served, kept) = isInPlace ? (restored.served(at: previous), previous) : (restored, previous)
    (old, new) = direction == .toRestored ? (kept, served) : (served, kept)
  }

  /// The incarnations that change places; nil where one has no name of its own.
  package var incarnations: (incoming: String, outgoing: String)? {
    guard let incoming = new.incarnation, let outgoing = old.incarnation else { return nil }
    return (incoming, outgoing)
  }
}

extension DatabaseInstance {
  /// The same data, served by the instance `place`.
  func served(at place: DatabaseInstance) -> DatabaseInstance {
    var instance = self
    (instance.name, instance.endpoint) = (place.name, place.endpoint)
    return instance
  }

  /// What it is called in messages.
  var title: String { name.map { "instance \($0)" } ?? "the server at \(endpoint?.description ?? "spec.connection")" }
}

extension RestoreRequest {
  /// Whether the data directories of `database` change places just now, or have, and the Database does not say so yet. Its
  /// receiver would take the one's log for the other's.
  package func isExchangingData(of database: Database) -> Bool {
    guard let switching = status?.switching, let route = SwitchRoute(switching.direction, of: self, database) else {
      return false
    }
    return route.isInPlace && switching.stage == .moving && !database.isLive(route.new)
  }
}

extension Database {
  /// Whether the clients are on what `restore` restored.
  func isOn(_ restore: RestoreRequest) -> Bool {
    guard let restored = restore.status?.instance?.incarnation else { return false }
    return liveInstance.incarnation == restored
  }
}
