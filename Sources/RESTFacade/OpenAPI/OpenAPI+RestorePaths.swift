extension OpenAPIDocument {
  static let restorePaths = #"""
    "/api/v1/databases/{id}/restore": {
      "post": {"operationId": "restoreDatabase", "tags": ["restores"],
        "summary": "Restore a backup beside the running database.",
        \#(parameters("ID", "Namespace", "IdempotencyKey")),
        \#(body("RestoreFromBackup", #"{"backup_id": "shop-before-the-migration"}"#)),
        "responses": {\#(made(202, "RestoreAnswer", "The restore, to be polled."))}}
    },
    "/api/v1/databases/{id}/pitr": {
      "post": {"operationId": "recoverDatabase", "tags": ["restores"],
        "summary": "Recover a point in time beside the running database; 400 outside the recovery window.",
        \#(parameters("ID", "Namespace", "IdempotencyKey")),
        \#(body("Recovery", #"{"target_time": "2024-01-15T10:30:00Z"}"#)),
        "responses": {\#(made(202, "RestoreAnswer", "The restore, to be polled."))}}
    },
    "/api/v1/databases/{id}/pitr-clone": {
      "post": {"operationId": "cloneDatabase", "tags": ["restores"],
        "summary": "A new database from a point in time; 400 outside the recovery window.",
        \#(parameters("ID", "Namespace", "IdempotencyKey")),
        \#(body("Clone", #"{"target_time": "2024-01-15T10:30:00Z", "new_name": "my-db-clone"}"#)),
        "responses": {\#(made(202, "CloneAnswer", "The clone, to be polled."))}}
    },
    "/api/v1/databases/{id}/switch": {
      "post": {"operationId": "switchDatabase", "tags": ["restores"],
        "summary": "Move clients to the restored instance, or back to the previous one.",
        \#(parameters("ID", "Namespace", "IdempotencyKey")),
        \#(body("Switch", #"{"direction": "restored"}"#, required: false)),
        "responses": {\#(made(202, "RestoreAnswer", "The restore whose switch is asked for, to be polled."))}}
    },
    "/api/v1/databases/{id}/import": {
      "post": {"operationId": "importDump", "tags": ["restores"],
        "summary": "Load a dump that the body holds. It may be larger than other bodies, and is not held in memory.",
        \#(parameters("ID", "Namespace", "DestinationID", "DatabaseName", "Format", "IdempotencyKey")),
        "requestBody": {"required": true, "content": {
          "application/sql": {"schema": {"type": "string"}, "example": "CREATE TABLE t (a int);"},
          "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
        "responses": {\#(made(202, "RestoreAnswer", "The restore, to be polled."))}}
    },
    "/api/v1/databases/{id}/restore-from-path": {
      "post": {"operationId": "restoreFromPath", "tags": ["restores"],
        "summary": "Load a dump that lies in a destination.",
        \#(parameters("ID", "Namespace", "IdempotencyKey")),
        \#(body("RestoreFromPath", #"{"destination_id": "s3-backups", "path": "dumps/shop.sql.gz"}"#)),
        "responses": {\#(made(202, "RestoreAnswer", "The restore, to be polled."))}}
    },
    "/api/v1/backups/database/{id}/restore": {
      "post": {"operationId": "restoreBackup", "tags": ["restores"],
        "summary": "Restore a backup of a database, by the backup's id.",
        \#(parameters("ID", "Namespace", "IdempotencyKey")),
        \#(body("RestoreBackup", "{}", required: false)),
        "responses": {\#(made(202, "RestoreAnswer", "The restore, to be polled."))}}
    },
    "/api/v1/restores/{id}": {
      "get": {"operationId": "getRestore", "tags": ["restores"], "summary": "Get a restore or a clone.",
        \#(parameters("ID", "Namespace")),
        "responses": {\#(ok("RestoreOrCloneAnswer", "The restore or the clone."))}}
    }
    """#

  static let openPaths = #"""
    "/api/v1/openapi.json": {
      "get": {"operationId": "getDocument", "tags": ["open"], "security": [], "summary": "This document.",
        "responses": {"200": {"description": "OpenAPI 3.1.", "headers": {\#(headers)},
          "content": {"application/json": {"schema": {"type": "object", "required": ["openapi"]}}}}}}
    },
    "/openapi.json": {
      "get": {"operationId": "getRootDocument", "tags": ["open"], "security": [], "summary": "This document.",
        "responses": {"200": {"description": "OpenAPI 3.1.", "headers": {\#(headers)},
          "content": {"application/json": {"schema": {"type": "object", "required": ["openapi"]}}}}}}
    },
    "/healthz": {
      "get": {"operationId": "getHealth", "tags": ["open"], "security": [], "summary": "Whether the process answers.",
        "responses": {"200": {"description": "It does.", "headers": {\#(headers)},
          "content": {"text/plain": {"schema": {"type": "string"}}}}}}
    },
    "/readyz": {
      "get": {"operationId": "getReadiness", "tags": ["open"], "security": [],
        "summary": "Whether calls can be answered: the caches have synced.",
        "responses": {
          "200": {"description": "They can.", "headers": {\#(headers)},
            "content": {"text/plain": {"schema": {"type": "string"}}}},
          "503": {"description": "Not yet; the text names what is missing.", "headers": {\#(headers)},
            "content": {"text/plain": {"schema": {"type": "string"}}}}}}
    }
    """#
}
