import KubeModel
import KubeRuntime
import TidemarkAPI

/// Restores of volume backups.
extension Endpoints {
  /// `POST /backups/volume/:id/restore`
  func restoreVolumeBackup(_ call: Call) async throws -> Answer {
    let named = try call.onlyNamespace()
    let backup = try await find(stores.backups, call, namespace: named, to: .get)
    let namespace = backup.metadata.namespace
    try await authorizer.require(Permission(.create, RestoreRequest.self, in: namespace), by: call.caller)
    let bytes = try await call.body()
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
    guard backup.subject.target.application != nil else {
      throw FacadeError(.notFound, "'\(call.id)' is no backup of volumes")
    }
    var source = RestoreSource()
    source.backupName = try restorable(backup).metadata.name
    var spec = RestoreRequestSpec(source: source)
    if let applicationID {
      let application = try await application(
        field: "application_id", applicationID, call, namespace: namespace)
      _ = try name(of: application, sharedWith: backup, field: "application_id")
      spec.target = application.target
    }
    if files != RestoreFilesSpec() { spec.files = files }
    let problems = spec.problems()
    guard problems.isEmpty else {
      throw FacadeError.problems(
        problems, names: ["files.paths": "paths", "files.newClaims.newClaim": "new_claims"])
    }
    let key = try IdempotencyKey(call, scope: "POST restore-volume \(backup.metadata.uid ?? "")", body: bytes)
    let request = RestoreRequest(
      metadata: ObjectMeta(name: MadeName.make(backup.metadata.name ?? "", key), namespace: namespace), spec: spec)
    return accepted(try await create(request, key, in: stores.restores))
  }
}
