extension OpenAPIDocument {
  static let destinationPaths = #"""
    "/api/v1/settings/backup-destinations": {
      "get": {"operationId": "listDestinations", "tags": ["destinations"], "summary": "List destinations.",
        \#(parameters("Namespace", "Limit", "Cursor")),
        "responses": {\#(ok("DestinationList", "Destinations, the oldest last."))}},
      "post": {"operationId": "createDestination", "tags": ["destinations"],
        "summary": "Create a destination, and the Secret with its keys.",
        \#(parameters("Namespace", "Validate", "IdempotencyKey")),
        \#(body("NewDestination", #"""
        {"name": "s3-backups", "provider": "s3", "access_key": "AKIAIOSFODNN7EXAMPLE",
         "secret_key": "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY", "bucket": "my-backups", "region": "us-east-1",
         "endpoint": "https://s3.amazonaws.com"}
        """#)),
        "responses": {\#(made(201, "DestinationAnswer", "The destination; its status shows whether it holds."))}}
    },
    "/api/v1/settings/backup-destinations/{id}": {
      "get": {"operationId": "getDestination", "tags": ["destinations"], "summary": "Get a destination.",
        \#(parameters("ID", "Namespace")),
        "responses": {\#(ok("DestinationAnswer", "The destination."))}},
      "put": {"operationId": "updateDestination", "tags": ["destinations"],
        "summary": "Change the fields that the body names; null removes one.",
        \#(parameters("ID", "Namespace", "Validate", "IfMatch")),
        \#(body("DestinationChange", #"{"region": "eu-central-1"}"#)),
        "responses": {\#(ok("DestinationAnswer", "The destination as it is now."))}},
      "delete": {"operationId": "deleteDestination", "tags": ["destinations"],
        "summary": "Delete a destination; 409 while something refers to it.",
        \#(parameters("ID", "Namespace", "IfMatch")),
        "responses": {\#(gone("It is gone, or going."))}}
    },
    "/api/v1/settings/backup-destinations/{id}/validate": {
      "post": {"operationId": "validateDestination", "tags": ["destinations"],
        "summary": "Try a destination: write, read back, list and delete a small object.",
        \#(parameters("ID", "Namespace", "IdempotencyKey")),
        \#(body("Nothing", "{}", required: false)),
        "responses": {\#(ok("VerdictAnswer", "What came of it."))}}
    }
    """#

  static let databasePaths = #"""
    "/api/v1/databases": {
      "get": {"operationId": "listDatabases", "tags": ["databases"], "summary": "List databases.",
        \#(parameters("Namespace", "Limit", "Cursor")),
        "responses": {\#(ok("DatabaseList", "Databases, the oldest last."))}}
    },
    "/api/v1/databases/{id}": {
      "get": {"operationId": "getDatabase", "tags": ["databases"], "summary": "Get a database.",
        \#(parameters("ID", "Namespace")),
        "responses": {\#(ok("DatabaseAnswer", "The database."))}}
    },
    "/api/v1/databases/{id}/backups": {
      "get": {"operationId": "listBackups", "tags": ["backups"], "summary": "List a database's backups.",
        \#(parameters("ID", "Namespace", "Limit", "Cursor")),
        "responses": {\#(ok("BackupList", "Backups, the oldest last."))}},
      "post": {"operationId": "createBackup", "tags": ["backups"], "summary": "Take a backup now.",
        \#(parameters("ID", "Namespace", "IdempotencyKey")),
        \#(body("NewBackup", #"{"deletion_policy": "Retain"}"#, required: false)),
        "responses": {\#(made(202, "BackupAnswer", "The backup, to be polled."))}}
    },
    "/api/v1/databases/{id}/recovery-window": {
      "get": {"operationId": "getRecoveryWindow", "tags": ["databases"], "summary": "What can be recovered.",
        \#(parameters("ID", "Namespace")),
        "responses": {\#(ok("RecoveryWindowAnswer", "The window; without bounds where nothing can be recovered yet."))}}
    },
    "/api/v1/backups/{id}": {
      "get": {"operationId": "getBackup", "tags": ["backups"], "summary": "Get a backup.",
        \#(parameters("ID", "Namespace")),
        "responses": {\#(ok("BackupAnswer", "The backup."))}},
      "delete": {"operationId": "deleteBackup", "tags": ["backups"],
        "summary": "Delete a backup, and its snapshot unless its deletion_policy is Retain.",
        \#(parameters("ID", "Namespace", "IfMatch")),
        "responses": {\#(gone("It is gone, or Deleting until its snapshot is forgotten."))}}
    }
    """#

  static let schedulePaths = #"""
    "/api/v1/backup-schedules": {
      "get": {"operationId": "listSchedules", "tags": ["schedules"], "summary": "List schedules.",
        \#(parameters("Namespace", "Limit", "Cursor")),
        "responses": {\#(ok("ScheduleList", "Schedules, the oldest last."))}},
      "post": {"operationId": "createSchedule", "tags": ["schedules"], "summary": "Create a schedule.",
        \#(parameters("Namespace", "IdempotencyKey")),
        \#(body("NewSchedule", #"""
        {"database_id": "shop", "destination_id": "s3-backups", "cron_expression": "0 2 * * *", "retention_count": 7}
        """#)),
        "responses": {\#(made(201, "ScheduleAnswer", "The schedule."))}}
    },
    "/api/v1/backup-schedules/{id}": {
      "get": {"operationId": "getSchedule", "tags": ["schedules"], "summary": "Get a schedule.",
        \#(parameters("ID", "Namespace")),
        "responses": {\#(ok("ScheduleAnswer", "The schedule."))}},
      "put": {"operationId": "updateSchedule", "tags": ["schedules"], "summary": "Change the fields that the body names.",
        \#(parameters("ID", "Namespace", "IfMatch")),
        \#(body("ScheduleChange", #"{"enabled": false}"#)),
        "responses": {\#(ok("ScheduleAnswer", "The schedule as it is now."))}},
      "delete": {"operationId": "deleteSchedule", "tags": ["schedules"],
        "summary": "Delete a schedule; its backups stay.",
        \#(parameters("ID", "Namespace", "IfMatch")),
        "responses": {\#(gone("It is gone."))}}
    },
    "/api/v1/backup-schedules/{id}/run": {
      "post": {"operationId": "runSchedule", "tags": ["schedules"], "summary": "Take a backup as the schedule would, now.",
        \#(parameters("ID", "Namespace", "IdempotencyKey")),
        \#(body("Nothing", "{}", required: false)),
        "responses": {\#(made(202, "BackupAnswer", "The backup, to be polled."))}}
    }
    """#
}
