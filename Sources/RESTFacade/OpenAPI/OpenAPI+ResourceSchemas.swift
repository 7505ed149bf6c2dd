extension OpenAPIDocument {
  /// What answers show of resources.
  static let resourceSchemas = #"""
    "Destination": {"type": "object", "additionalProperties": false,
      "required": [\#(identityNames), "provider", "bucket", "prefix", "addressing_style", "enabled", "status"],
      "properties": {\#(identity),
        "provider": {"$ref": "#/components/schemas/Provider"}, "bucket": {"type": "string"},
        "prefix": {"type": "string"}, "region": {"type": "string"}, "endpoint": {"type": "string"},
        "account_id": {"type": "string"}, "jurisdiction": {"type": "string"},
        "addressing_style": {"$ref": "#/components/schemas/AddressingStyle"},
        "access_key": {"type": "string", "description":
          "Masked. Left out where the keys were not given through this API: their Secret is not read to show it."},
        "enabled": {"type": "boolean"},
        "status": {"type": "object", "additionalProperties": false, "required": ["state"],
          "properties": {\#(health), "endpoint": {"type": "string"}, "last_validated": \#(time),
            "latency_ms": {"type": "integer"}, "stored_bytes": {"type": "integer"}}}}},
    "Verdict": {"type": "object", "additionalProperties": false, "required": ["valid"],
      "properties": {"valid": {"type": "boolean"}, "latency_ms": {"type": "integer"},
        "reason": {"type": "string"}, "message": {"type": "string"}}},
    "Database": {"type": "object", "additionalProperties": false,
      "required": [\#(identityNames), "engine", "endpoint", "database", "pitr_enabled", "status"],
      "properties": {\#(identity),
        "engine": {"type": "string"}, "endpoint": {"$ref": "#/components/schemas/HostAndPort"},
        "database": {"type": "string"}, "server_version": {"type": "string"}, "pitr_enabled": {"type": "boolean"},
        "destination": {"type": "string"}, "active_incarnation": {"type": "string"},
        "last_backup": {"type": "string"},
        "status": {"type": "object", "additionalProperties": false, "required": ["state"],
          "properties": {\#(health), "archiving": {"type": "string"}}}}},
    "HostAndPort": {"type": "object", "additionalProperties": false, "required": ["host", "port"],
      "properties": {"host": {"type": "string"}, "port": {"type": "integer"}}},
    "RecoveryWindow": {"type": "object", "additionalProperties": false, "required": ["database_id", "gaps"],
      "properties": {"database_id": {"type": "string"}, "earliest": \#(time), "latest": \#(time),
        "latest_lsn": {"type": "string"},
        "gaps": {"type": "array", "items": {"type": "object", "additionalProperties": false,
          "required": ["from", "reason"],
          "properties": {"from": \#(time), "to": \#(time), "reason": {"type": "string"}}}},
        "lag_bytes": {"type": "integer"}, "lag_seconds": {"type": "number"}}},
    "Failure": {"type": "object", "additionalProperties": false, "required": ["code", "message"],
      "properties": {"code": {"type": "string"}, "message": {"type": "string"}}},
    "Progress": {"type": "object", "additionalProperties": false,
      "required": ["bytes_done", "files_done", "updated_at"],
      "properties": {"bytes_done": {"type": "integer"}, "bytes_total": {"type": "integer"},
        "files_done": {"type": "integer"}, "percent": {"type": "integer"}, "waiting_for": {"type": "string"},
        "updated_at": \#(time)}},
    "Backup": {"type": "object", "additionalProperties": false,
      "required": [\#(identityNames), "destination", "method", "deletion_policy", "status"],
      "properties": {\#(identity), \#(target),
        "destination": {"type": "string"}, "method": {"type": "string", "enum": ["physical", "logical", "files"]},
        "deletion_policy": {"$ref": "#/components/schemas/DeletionPolicy"},
        "origin": {"type": "string"}, "schedule": {"type": "string"},
        "status": {"type": "string", "enum": ["Pending", "Running", "Completed", "Failed", "Deleting"]},
        "started_at": \#(time), "completed_at": \#(time), "attempts": {"type": "integer"},
        "snapshot": {"type": "string"},
        "size": {"type": "object", "additionalProperties": false,
          "required": ["logical_bytes", "added_bytes", "stored_bytes"],
          "properties": {"logical_bytes": {"type": "integer"}, "added_bytes": {"type": "integer"},
            "stored_bytes": {"type": "integer"}}},
        "progress": {"$ref": "#/components/schemas/Progress"},
        "postgres": {"type": "object", "additionalProperties": false,
          "properties": {"incarnation": {"type": "string"}, "timeline": {"type": "integer"},
            "start_lsn": {"type": "string"}, "stop_lsn": {"type": "string"}, "start_time": \#(time),
            "stop_time": \#(time), "system_identifier": {"type": "string"}, "server_version": {"type": "string"}}},
        "error": {"$ref": "#/components/schemas/Failure"}}},
    "Schedule": {"type": "object", "additionalProperties": false,
      "required": [\#(identityNames), "destination", "cron_expression", "time_zone", "enabled", "concurrency_policy",
        "deletion_policy", "active", "status"],
      "properties": {\#(identity), \#(target),
        "destination": {"type": "string"}, "cron_expression": {"type": "string"}, "time_zone": {"type": "string"},
        "enabled": {"type": "boolean"}, "method": {"type": "string"}, "concurrency_policy": {"type": "string"},
        "deletion_policy": {"$ref": "#/components/schemas/DeletionPolicy"},
        "retention_count": {"type": "integer"}, "retention": {"$ref": "#/components/schemas/Retention"},
        "next_run": \#(time), "last_run": \#(time), "last_success": \#(time), "last_failure": \#(time),
        "active": {"type": "array", "items": {"type": "string"}},
        "status": {"type": "object", "additionalProperties": false, "required": ["state"],
          "properties": {\#(health)}}}},
    "Restore": {"type": "object", "additionalProperties": false,
      "required": [\#(identityNames), "kind", "status", "source", "strategy", "switch_over"],
      "properties": {\#(identity), \#(restored),
        "kind": {"const": "restore"},
        "status": {"type": "string", "enum": ["Pending", "Preflight", "Restoring", "Recovering", "ReadyToSwitch",
          "Switching", "Completed", "Failed"]},
        "strategy": {"$ref": "#/components/schemas/Strategy"},
        "switch_over": {"$ref": "#/components/schemas/SwitchOver"}, "switch_requested": {"type": "boolean"},
        "switching": {"type": "string", "enum": ["ToRestored", "ToPrevious"]}, "restored_at": \#(time),
        "instance": {"type": "string"}, "previous_endpoint": {"$ref": "#/components/schemas/HostAndPort"},
        "loaded_into": {"type": "string"}, "previous_kept_as": {"type": "string"}}},
    "CloneOfDatabase": {"type": "object", "additionalProperties": false,
      "required": [\#(identityNames), "kind", "status", "source", "database", "new_name"],
      "properties": {\#(identity), \#(restored),
        "kind": {"const": "clone"},
        "status": {"type": "string", "enum": ["Pending", "Preflight", "Restoring", "Recovering", "Completed",
          "Failed"]},
        "new_name": {"type": "string"}, "clone": {"type": "string"}}},
    "Application": {"type": "object", "additionalProperties": false, "required": [\#(identityNames), "kind"],
      "properties": {\#(identity), "kind": {"type": "string", "enum": ["Deployment", "StatefulSet"]}}}
    """#

  private static let time = #"{"type": "string", "format": "date-time"}"#

  private static let identityNames = #""id", "name", "namespace""#

  private static let identity = #"""
    "id": {"type": "string"}, "name": {"type": "string"}, "namespace": {"type": "string"}, "created_at": \#(time),
    "resource_version": {"type": "string"}
    """#

  private static let health = #"""
    "state": {"type": "string", "enum": ["Pending", "Ready", "Progressing", "Stalled"]},
    "reason": {"type": "string"}, "message": {"type": "string"}
    """#

  private static let target = #"""
    "database": {"type": "string"}, "bucket": {"type": "string"},
    "application": {"type": "object", "properties": {"kind": {"type": "string"}, "name": {"type": "string"}}}
    """#

  /// What restores and clones share.
  private static let restored = #"""
    "database": {"type": "string"},
    "source": {"type": "object", "additionalProperties": false,
      "properties": {"backup": {"type": "string"}, "database": {"type": "string"}, "target_time": \#(time), "lsn": {"type": "string"},
        "xid": {"type": "string"}, "restore_point": {"type": "string"}, "latest": {"type": "boolean"},
        "incarnation": {"type": "string"}, "destination": {"type": "string"}, "path": {"type": "string"},
        "format": {"type": "string"}, "snapshot": {"type": "string"}}},
    "started_at": \#(time), "completed_at": \#(time), "attempts": {"type": "integer"},
    "progress": {"$ref": "#/components/schemas/Progress"}, "endpoint": {"$ref": "#/components/schemas/HostAndPort"},
    "recovered_to": {"type": "object", "additionalProperties": false,
      "properties": {"time": \#(time), "lsn": {"type": "string"}, "timeline": {"type": "integer"}}},
    "error": {"$ref": "#/components/schemas/Failure"}
    """#
}
