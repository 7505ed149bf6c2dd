extension OpenAPIDocument {
  /// Parameters, headers and refusals that calls share.
  static let components = #"""
    "parameters": {
      "ID": {"name": "id", "in": "path", "required": true, "schema": {"$ref": "#/components/schemas/ID"},
        "description": "A uid, a name, or namespace/name."},
      "Namespace": {"name": "namespace", "in": "query", "schema": {"$ref": "#/components/schemas/Name"},
        "description": "The namespace of names, and of what is created or listed."},
      "Limit": {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000,
        "default": 100}, "description": "How many at most."},
      "Cursor": {"name": "cursor", "in": "query", "schema": {"type": "string", "pattern":
        "^[0-9]{1,12}-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"},
        "description": "next_cursor of the page before. Opaque: make none of your own."},
      "Validate": {"name": "validate", "in": "query", "schema": {"type": "boolean"},
        "description": "Try the settings first, and write nothing where they do not hold."},
      "IdempotencyKey": {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string",
        "pattern": "^[!-~]{1,255}$"}, "description":
        "The same key with the same body gives the same resource and no second one; with another body 409."},
      "IfMatch": {"name": "If-Match", "in": "header", "schema": {"type": "string", "pattern": "^[a-z0-9-]{1,128}$"},
        "description": "A resource_version: 409 where it is another one by now."},
      "DestinationID": {"name": "destination_id", "in": "query", "schema": {"$ref": "#/components/schemas/ID"},
        "description": "Where the dump is staged; by default the destination that the database is archived to."},
      "DatabaseName": {"name": "database_name", "in": "query", "schema": {"$ref": "#/components/schemas/DatabaseName"},
        "description": "The database that the dump becomes; by default the one that is connected to."},
      "Format": {"name": "format", "in": "query", "schema": {"$ref": "#/components/schemas/DumpFormat"},
        "description": "How the dump is written; by default told from its first bytes."}
    },
    "headers": {
      "Version": {"description": "The version of the facade.", "required": true, "schema": {"type": "string"}},
      "RequestID": {"description": "By what the call is found in the log: the caller's own where it sent a fit one.",
        "required": true, "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"}},
      "RetryAfter": {"description": "Seconds after which the call may succeed.", "required": true,
        "schema": {"type": "integer", "minimum": 1}}
    },
    "responses": {
      "Refused": {"description": "The call was not carried out; the message says what would be right.",
        "headers": {\#(headers)},
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}},
      "Unauthorized": {"description": "The call shows no credentials, or bad ones.",
        "headers": {\#(headers), "WWW-Authenticate": {"required": true, "schema": {"type": "string"}}},
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}},
      "Later": {"description": "Not now: too many calls, or something that is needed is away.",
        "headers": {\#(headers), "Retry-After": {"$ref": "#/components/headers/RetryAfter"}},
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}}
    }
    """#
}
