extension OpenAPIDocument {
  /// Volumes and buckets.
  static let otherPaths = #"""
    "/api/v1/applications": {
      "get": {"operationId": "listApplications", "tags": ["applications"], "summary": "List workloads.",
        \#(parameters("Namespace", "Limit", "Cursor")),
        "responses": {\#(ok("ApplicationList", "Deployments, StatefulSets and DaemonSets, the oldest last."))}}
    },
    "/api/v1/buckets": {
      "get": {"operationId": "listBuckets", "tags": ["buckets"], "summary": "List buckets.",
        \#(parameters("Namespace", "Limit", "Cursor")),
        "responses": {\#(ok("BucketList", "Buckets, the oldest last."))}}
    },
    "/api/v1/applications/{id}/volume-backups": {
      "get": {"operationId": "listVolumeBackups", "tags": ["applications"],
        "summary": "List the backups of an application's volumes.",
        \#(parameters("ID", "Namespace", "Limit", "Cursor")),
        "responses": {\#(ok("BackupList", "Backups, the oldest last."))}},
      "post": {"operationId": "createVolumeBackup", "tags": ["applications"],
        "summary": "Back up an application's volumes now.",
        \#(parameters("ID", "Namespace", "IdempotencyKey")),
        \#(body("NewVolumeBackup", #"{"destination_id": "s3-backups", "exclude": ["*.tmp"]}"#)),
        "responses": {\#(made(202, "BackupAnswer", "The backup, to be polled."))}}
    },
    "/api/v1/backups/volume/{id}/restore": {
      "post": {"operationId": "restoreVolumeBackup", "tags": ["applications"],
        "summary": "Restore a backup of volumes, by the backup's id.",
        \#(parameters("ID", "Namespace", "IdempotencyKey")),
        \#(body("RestoreVolumeBackup", #"{"paths": ["uploads/2026"]}"#, required: false)),
        "responses": {\#(made(202, "RestoreAnswer", "The restore, to be polled."))}}
    },
    "/api/v1/backups/volume/{id}/clone": {
      "post": {"operationId": "cloneVolumeBackup", "tags": ["applications"],
        "summary": "A copy of the application under a new name, with the backup's volumes in claims of its own.",
        \#(parameters("ID", "Namespace", "IdempotencyKey")),
        \#(body("CloneVolumeBackup", #"{"new_name": "web-of-yesterday"}"#)),
        "responses": {\#(made(202, "RestoreAnswer", "The restore, to be polled."))}}
    },
    "/api/v1/buckets/{id}/backups": {
      "get": {"operationId": "listBucketBackups", "tags": ["buckets"], "summary": "List a bucket's backups.",
        \#(parameters("ID", "Namespace", "Limit", "Cursor")),
        "responses": {\#(ok("BackupList", "Backups, the oldest last."))}},
      "post": {"operationId": "createBucketBackup", "tags": ["buckets"], "summary": "Back up a bucket now.",
        \#(parameters("ID", "Namespace", "IdempotencyKey")),
        \#(body("NewBucketBackup", #"{"destination_id": "s3-backups"}"#)),
        "responses": {\#(made(202, "BackupAnswer", "The backup, to be polled."))}}
    }
    """#
}
