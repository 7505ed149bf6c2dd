import KubeModel
package import Steps
import TidemarkAPI

extension RestoreRequest {
  /// The Database that a dump is loaded into, by its name: the target, or what the logical Backup was taken of.
  /// Once it has begun, a change of the spec changes nothing.
  func importedDatabase(_ backup: Backup?) -> String? {
    let named = spec.target?.database ?? backup?.subject.target.database
    return status?.begunWith == nil ? named : status?.database ?? named
  }

  /// The destination that holds the dump, by its name.
  func importedDestination(_ backup: Backup?) -> String? {
    source.path?.destinationName ?? backup?.subject.destinationName
  }

  /// Whether its dump was staged for it alone.
  var isStaged: Bool { metadata.annotations[TidemarkAnnotation.staged] == "true" }
}

extension ImportObservation {
  /// Whether the dump is to be removed when it is loaded: it says so, and it lies where uploads are staged.
  var isStaged: Bool {
    guard request.isStaged, let path = request.source.path, path.snapshot == nil, let database else {
      return false
    }
    return DumpStaging.isStaged(path.key, of: database.place)
  }

  /// Where the dump lies.
  package var location: DumpLocation? {
    guard let path = request.source.path else {
      guard let backup, let snapshot = backup.status?.snapshot, let source = backup.subject.target.database else {
        return nil
      }
      let place = DatabasePlace(namespace: backup.metadata.namespace ?? "", name: source)
      return DumpLocation(key: nil, snapshot: snapshot, repositoryPrefix: place.repositoryPrefix)
    }
    let repository = path.snapshot.map { _ in path.repository ?? database?.place.repositoryPrefix ?? "" }
    return DumpLocation(key: path.key, snapshot: path.snapshot, repositoryPrefix: repository, format: path.format)
  }

  /// The databases that the import works on.
  package var names: ImportNames? {
    guard let database, let uid = request.metadata.uid else { return nil }
    // What was begun is what there is to drop.
    let name = request.status?.loaded?.database ?? request.spec.databaseName
    return ImportNames(database: name ?? database.spec.connection.database, uid: uid)
  }

  /// Why the step can't start now; nil when it can.
  var obstacle: Health? {
    let problems = request.spec.problems()
    guard problems.isEmpty else { return .stalled(reason: Reason.invalidSpec, message: problems.summary) }
    return backupObstacle ?? databaseObstacle ?? destinationObstacle
  }

  private var backupObstacle: Health? {
    guard let name = request.source.backupName else { return nil }
    guard let backup else {
      return .progressing(reason: Reason.backupNotFound, message: "Backup \(name) is not there; create it")
    }
    guard backup.status?.phase == .completed, backup.status?.snapshot != nil else {
      return .progressing(reason: Reason.backupNotCompleted, message: "Backup \(name) has not Completed yet")
    }
    guard request.spec.strategy == .sideBySide, request.spec.switchRequested == nil,
      request.spec.switchOver == .manual
    else {
      return .stalled(
        reason: Reason.invalidSpec,
        message:
          "Backup \(name) is logical: its dump is loaded into the running server, so there is nothing to switch; "
          + "leave strategy, switchOver and switchRequested out")
    }
    return nil
  }

  private var databaseObstacle: Health? {
    let name = request.importedDatabase(backup) ?? ""
    guard let database, !database.metadata.isDeleting else {
      return .progressing(reason: Reason.databaseNotFound, message: "Database \(name) is not there; create it")
    }
    guard database.status?.conditions?.isTrue(ConditionType.ready) == true else {
      let why = database.status?.conditions?[type: ConditionType.ready]?.message ?? "it was not looked at yet"
      return .progressing(reason: Reason.connectionFailed, message: "Database \(name) is not Ready: \(why)")
    }
    return nil
  }

  private var destinationObstacle: Health? {
    let name = request.importedDestination(backup) ?? ""
    guard let destination, !destination.metadata.isDeleting else {
      return .progressing(
        reason: Reason.destinationNotFound, message: "BackupDestination \(name) is not there; create it")
    }
    guard destination.status?.conditions?.isTrue(ConditionType.ready) == true else {
      let why = destination.status?.conditions?[type: ConditionType.ready]?.message ?? "it was not validated yet"
      return .progressing(
        reason: Reason.destinationNotReady, message: "BackupDestination \(name) is not Ready: \(why)")
    }
    return nil
  }
}
