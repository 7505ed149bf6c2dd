import KubeModel
import KubeRuntime
import NIOCore
import TidemarkAPI

/// Restores of volume backups.
extension Endpoints {
  /// `POST /backups/volume/:id/restore`
  func restoreVolumeBackup(_ call: Call) async throws -> Answer {
    let (backup, bytes) = try await volumeBackup(call)
    var body = try BodyReader(bytes)
    let applicationID = body.text("application_id", .id)
    var files = RestoreFilesSpec()
    files.paths = body.texts("paths", .relativePath)
    files.newClaims = body.objects("new_claims") { claim in
      let from = claim.requiredText("claim", .name)
      let to = claim.requiredText("new_claim", .name)
      guard let from, let to else { return nil }
      return RestoreFilesSpec.NewClaim(claim: from, newClaim: to)
    }
    try body.finish()
    var target: BackupTarget?
    if let applicationID {
      let application = try await application(
        field: "application_id", applicationID, call, namespace: backup.metadata.namespace)
      _ = try name(of: application, sharedWith: backup, field: "application_id")
      target = application.target
    }
    return try await restore(backup, to: target, files == RestoreFilesSpec() ? nil : files, call, "restore", bytes)
  }

  /// `POST /backups/volume/:id/clone`
  func cloneVolumeBackup(_ call: Call) async throws -> Answer {
    let (backup, bytes) = try await volumeBackup(call)
    var body = try BodyReader(bytes)
    var files = RestoreFilesSpec()
    files.newName = body.requiredText("new_name", .name)
    try body.finish()
    return try await restore(backup, to: nil, files, call, "clone", bytes)
  }

  /// The path's backup of volumes, for a caller who may restore in its namespace, and the body.
  private func volumeBackup(_ call: Call) async throws -> (Backup, ByteBuffer) {
    let backup = try await find(stores.backups, call, namespace: try call.onlyNamespace(), to: .get)
    try await authorizer.require(
      Permission(.create, RestoreRequest.self, in: backup.metadata.namespace), by: call.caller)
    let bytes = try await call.body()
    guard backup.subject.target.application != nil else {
      throw FacadeError(.notFound, "'\(call.id)' is no backup of volumes")
    }
    return (backup, bytes)
  }

  private func restore(
    _ backup: Backup, to target: BackupTarget?, _ files: RestoreFilesSpec?, _ call: Call, _ scope: String,
    _ bytes: ByteBuffer
  ) async throws -> Answer {
    var source = RestoreSource()
    source.backupName = try restorable(backup).metadata.name
    var spec = RestoreRequestSpec(source: source, target: target)
    spec.files = files
    let problems = spec.problems()
    guard problems.isEmpty else {
      throw FacadeError.problems(
        problems,
        names: ["files.paths": "paths", "files.newClaims.newClaim": "new_claims", "files.newName": "new_name"])
    }
    let key = try IdempotencyKey(call, scope: "POST \(scope)-volume \(backup.metadata.uid ?? "")", body: bytes)
    let request = RestoreRequest(
      metadata: ObjectMeta(
        name: MadeName.make(files?.newName ?? backup.metadata.name ?? "", key), namespace: backup.metadata.namespace),
      spec: spec)
    return accepted(try await create(request, key, in: stores.restores))
  }
}
