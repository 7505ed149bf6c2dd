import KubeModel
import KubeRuntime
import TidemarkAPI

/// Buckets, and the backups of those.
extension Endpoints {
  func listBuckets(_ call: Call) async throws -> Answer {
    .list(try await page(stores.buckets, call).map { BucketView(bucket: $0) })
  }

  /// `GET /buckets/:id/backups`
  func listBucketBackups(_ call: Call) async throws -> Answer {
    var query = try call.query()
    let (request, named) = (PageRequest(&query), query.text("namespace", .name))
    try query.finish()
    let bucket = try await find(stores.buckets, call, namespace: named, to: .get)
    try await authorizer.require(Permission(.list, Backup.self, in: bucket.metadata.namespace), by: call.caller)
    return .list(
      stores.backupsOfTarget.page(request, of: bucket.target, in: bucket.metadata.namespace)
        .map { BackupView(backup: $0) })
  }

  /// `POST /buckets/:id/backups`
  func createBucketBackup(_ call: Call) async throws -> Answer {
    let named = try call.onlyNamespace()
    let bucket = try await find(stores.buckets, call, namespace: named, to: .get)
    try await authorizer.require(Permission(.create, Backup.self, in: bucket.metadata.namespace), by: call.caller)
    let bytes = try await call.body()
    var body = try BodyReader(bytes)
    let fields = FilesBackupFields(&body)
    try body.finish()
    let key = try IdempotencyKey(call, scope: "POST bucket-backups \(bucket.metadata.uid ?? "")", body: bytes)
    return try await createFilesBackup(fields, of: bucket.target, bucket, key, call)
  }

  /// Creates a Backup of volumes or a bucket; `object` is what it is of.
  func createFilesBackup(
    _ fields: FilesBackupFields, of target: BackupTarget, _ object: some KubeResource, _ key: IdempotencyKey?,
    _ call: Call
  ) async throws -> Answer {
    let namespace = object.metadata.namespace
    let destination = try await find(
      stores.destinations, field: "destination_id", fields.destination, call, namespace: namespace)
    var spec = BackupSpec(
      target: target, destinationName: try name(of: destination, sharedWith: object, field: "destination_id"),
      deletionPolicy: fields.policy ?? .delete)
    spec.expiresAfter = fields.expiry
    spec.volumes = fields.volumes
    let problems = spec.problems()
    guard problems.isEmpty else {
      throw FacadeError.problems(
        problems,
        names: ["volumes.claims": "claims", "volumes.include": "include", "volumes.exclude": "exclude"])
    }
    let backup = Backup(
      metadata: ObjectMeta(name: MadeName.make(object.metadata.name ?? "", key), namespace: namespace), spec: spec)
    return accepted(try await create(backup, key, in: stores.backups))
  }
}

/// What a body says of a backup of files, besides what is backed up.
struct FilesBackupFields {
  let destination: String
  let policy: DeletionPolicy?
  let expiry: GoDuration?
  var volumes: VolumesSpec?

  init(_ body: inout BodyReader) {
    destination = body.requiredText("destination_id", .id) ?? ""
    policy = body.word("deletion_policy", DeletionPolicy.self)
    expiry = body.text("expires_after", .duration).flatMap { GoDuration($0) }
  }
}

extension Bucket {
  /// What a Backup of it is of.
  var target: BackupTarget { BackupTarget(bucket: metadata.name ?? "") }
}

/// A Bucket as the API shows it. Its keys are never read for it.
struct BucketView: JSONView {
  let bucket: Bucket

  func write(to text: inout JSONText) {
    let (spec, status) = (bucket.spec.connection, bucket.status)
    text.object { text in
      text.identity(bucket.metadata)
      text.field("provider", spec.provider)
      text.field("bucket", spec.bucket)
      text.field("prefix", spec.prefix)
      text.field("region", spec.region)
      text.field("endpoint", spec.endpoint)
      text.field("include", array: bucket.spec.include ?? []) { $1.string($0) }
      text.field("exclude", array: bucket.spec.exclude ?? []) { $1.string($0) }
      text.field("enabled", !spec.suspend)
      text.field("last_backup", status?.lastBackup)
      text.field("status") { text in text.object { $0.health(status?.conditions) } }
    }
  }
}
