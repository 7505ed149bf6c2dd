extension OpenAPIDocument {
  /// What bodies hold. The rules are those of `TextRule`, as regular expressions.
  static let inputSchemas = #"""
    "ID": {"type": "string", "minLength": 1, "maxLength": 320, "pattern": "^[a-z0-9.-]+(/[a-z0-9.-]+)?$"},
    "Name": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"},
    "DatabaseName": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_-]{0,62}$"},
    "DumpFormat": {"type": "string", "enum": ["plain", "gzip", "zstd", "custom", "tar"]},
    "Provider": {"type": "string", "enum": ["s3", "r2", "backblaze", "minio", "custom"]},
    "Bucket": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$"},
    "Prefix": {"type": "string", "maxLength": 512, "pattern": "^([A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*)?$"},
    "Region": {"type": "string", "pattern": "^[a-z0-9-]{1,64}$"},
    "Endpoint": {"type": "string", "pattern":
      "^https?://[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}))?$"},
    "Account": {"type": "string", "pattern": "^[A-Za-z0-9]{1,64}$"},
    "Jurisdiction": {"type": "string", "enum": ["eu", "fedramp"]},
    "AddressingStyle": {"type": "string", "enum": ["auto", "path", "virtual"]},
    "AccessKey": {"type": "string", "pattern": "^[!-~]{1,128}$"},
    "SecretKey": {"type": "string", "format": "password", "writeOnly": true, "pattern": "^[!-~]{1,256}$"},
    "Cron": {"type": "string", "format": "cron", "maxLength": 256,
      "description": "Minute, hour, day of month, month, day of week; or @hourly, @daily, @weekly, @monthly."},
    "TimeZone": {"type": "string", "format": "iana-time-zone", "maxLength": 64,
      "description": "A name of the IANA database, such as Europe/Berlin."},
    "Kept": {"type": "integer", "minimum": 0, "maximum": 100000},
    "GoDuration": {"type": "string", "format": "go-duration", "maxLength": 32,
      "description": "Above zero, as Go writes it: 30m, 36h, 720h."},
    "Retention": {"type": "object", "additionalProperties": false,
      "description": "A backup that any rule keeps is kept, as with restic's forget.",
      "properties": {
        "count": {"$ref": "#/components/schemas/Kept"}, "hourly": {"$ref": "#/components/schemas/Kept"},
        "daily": {"$ref": "#/components/schemas/Kept"}, "weekly": {"$ref": "#/components/schemas/Kept"},
        "monthly": {"$ref": "#/components/schemas/Kept"}, "yearly": {"$ref": "#/components/schemas/Kept"},
        "within": {"$ref": "#/components/schemas/GoDuration"}}},
    "Nothing": {"type": "object", "additionalProperties": false, "properties": {}},
    "NewDestination": {"type": "object", "additionalProperties": false,
      "required": ["name", "provider", "access_key", "secret_key", "bucket"],
      "properties": {
        "name": {"$ref": "#/components/schemas/Name"}, "provider": {"$ref": "#/components/schemas/Provider"},
        "access_key": {"$ref": "#/components/schemas/AccessKey"},
        "secret_key": {"$ref": "#/components/schemas/SecretKey"},
        "bucket": {"$ref": "#/components/schemas/Bucket"}, "prefix": {"$ref": "#/components/schemas/Prefix"},
        "region": {"$ref": "#/components/schemas/Region"}, "endpoint": {"$ref": "#/components/schemas/Endpoint"},
        "account_id": {"$ref": "#/components/schemas/Account"},
        "jurisdiction": {"$ref": "#/components/schemas/Jurisdiction"},
        "addressing_style": {"$ref": "#/components/schemas/AddressingStyle"}, "enabled": {"type": "boolean"}},
      "anyOf": [
        {"required": ["endpoint"]},
        {"required": ["region"], "properties": {"provider": {"enum": ["s3", "backblaze"]}}},
        {"required": ["account_id"], "properties": {"provider": {"enum": ["r2"]}}}]},
    "DestinationChange": {"type": "object", "additionalProperties": false,
      "properties": {
        "name": {"$ref": "#/components/schemas/Name"}, "provider": {"$ref": "#/components/schemas/Provider"},
        "access_key": {"$ref": "#/components/schemas/AccessKey"},
        "secret_key": {"$ref": "#/components/schemas/SecretKey"},
        "bucket": {"$ref": "#/components/schemas/Bucket"}, "prefix": {"$ref": "#/components/schemas/Prefix"},
        "region": {"anyOf": [{"$ref": "#/components/schemas/Region"}, {"type": "null"}]},
        "endpoint": {"anyOf": [{"$ref": "#/components/schemas/Endpoint"}, {"type": "null"}]},
        "account_id": {"anyOf": [{"$ref": "#/components/schemas/Account"}, {"type": "null"}]},
        "jurisdiction": {"anyOf": [{"$ref": "#/components/schemas/Jurisdiction"}, {"type": "null"}]},
        "addressing_style": {"$ref": "#/components/schemas/AddressingStyle"}, "enabled": {"type": "boolean"}}},
    "NewBackup": {"type": "object", "additionalProperties": false,
      "properties": {
        "destination_id": {"$ref": "#/components/schemas/ID"},
        "method": {"type": "string", "enum": ["physical", "logical"]},
        "deletion_policy": {"$ref": "#/components/schemas/DeletionPolicy"},
        "expires_after": {"$ref": "#/components/schemas/GoDuration"}}},
    "Pattern": {"type": "string", "pattern": "^[ -~]{1,1024}$"},
    "Patterns": {"type": "array", "minItems": 1, "maxItems": 100, "items": {"$ref": "#/components/schemas/Pattern"}},
    "NewBucketBackup": {"type": "object", "additionalProperties": false, "required": ["destination_id"],
      "properties": {\#(filesBackupFields)}},
    "NewVolumeBackup": {"type": "object", "additionalProperties": false, "required": ["destination_id"],
      "properties": {\#(filesBackupFields),
        "claims": {"type": "array", "minItems": 1, "maxItems": 100, "items": {"$ref": "#/components/schemas/Name"}},
        "include": {"$ref": "#/components/schemas/Patterns"}, "exclude": {"$ref": "#/components/schemas/Patterns"},
        "ignore_change_time": {"type": "boolean"}}},
    "CloneVolumeBackup": {"type": "object", "additionalProperties": false, "required": ["new_name"],
      "properties": {"new_name": {"$ref": "#/components/schemas/Name"}}},
    "RestoreVolumeBackup": {"type": "object", "additionalProperties": false,
      "properties": {"application_id": {"$ref": "#/components/schemas/ID"},
        "paths": {"type": "array", "minItems": 1, "maxItems": 100, "items":
          {"type": "string", "maxLength": 1024,
            "pattern": "^\\.?[ -,\\-0-~][ -.0-~]*(/\\.?[ -,\\-0-~][ -.0-~]*)*$"}},
        "new_claims": {"type": "array", "minItems": 1, "maxItems": 100, "items": {"type": "object",
          "additionalProperties": false, "required": ["claim", "new_claim"],
          "properties": {"claim": {"$ref": "#/components/schemas/Name"},
            "new_claim": {"$ref": "#/components/schemas/Name"}}}}}},
    "DeletionPolicy": {"type": "string", "enum": ["Delete", "Retain"]},
    "Strategy": {"type": "string", "enum": ["SideBySide", "InPlace"]},
    "SwitchOver": {"type": "string", "enum": ["Manual", "Automatic"]},
    "TargetTime": {"type": "string", "format": "date-time"},
    "RestoreFromBackup": {"type": "object", "additionalProperties": false, "required": ["backup_id"],
      "properties": {"backup_id": {"$ref": "#/components/schemas/ID"}, \#(restoreOptions)}},
    "RestoreBackup": {"type": "object", "additionalProperties": false,
      "properties": {"database_id": {"$ref": "#/components/schemas/ID"}, \#(restoreOptions)}},
    "Recovery": {"type": "object", "additionalProperties": false, "required": ["target_time"],
      "properties": {"target_time": {"$ref": "#/components/schemas/TargetTime"}, \#(restoreOptions)}},
    "Clone": {"type": "object", "additionalProperties": false, "required": ["target_time", "new_name"],
      "properties": {"target_time": {"$ref": "#/components/schemas/TargetTime"},
        "new_name": {"$ref": "#/components/schemas/Name"}}},
    "Switch": {"type": "object", "additionalProperties": false,
      "properties": {"restore_id": {"$ref": "#/components/schemas/ID"},
        "direction": {"type": "string", "enum": ["restored", "previous"], "default": "restored"}}},
    "RestoreFromPath": {"type": "object", "additionalProperties": false, "required": ["destination_id", "path"],
      "dependentRequired": {"repository": ["snapshot"]},
      "properties": {
        "destination_id": {"$ref": "#/components/schemas/ID"}, "path": {"$ref": "#/components/schemas/Path"},
        "format": {"$ref": "#/components/schemas/DumpFormat"},
        "snapshot": {"type": "string", "pattern": "^(latest|[0-9a-f]{4,64})$"},
        "repository": {"$ref": "#/components/schemas/Path"},
        "database_name": {"$ref": "#/components/schemas/DatabaseName"}}},
    "Path": {"type": "string", "pattern": "^[ -~]{1,1024}$"},
    "NewSchedule": {"type": "object", "additionalProperties": false, "required": ["destination_id", "cron_expression"],
      "properties": {
        "name": {"$ref": "#/components/schemas/Name"},
        "database_id": {"$ref": "#/components/schemas/ID"}, "application_id": {"$ref": "#/components/schemas/ID"},
        "bucket_id": {"$ref": "#/components/schemas/ID"}, \#(scheduleFields)},
      "oneOf": [{"required": ["database_id"]}, {"required": ["application_id"]}, {"required": ["bucket_id"]}]},
    "ScheduleChange": {"type": "object", "additionalProperties": false,
      "properties": {"name": {"$ref": "#/components/schemas/Name"}, \#(scheduleFields)}}
    """#

  private static let filesBackupFields = #"""
    "destination_id": {"$ref": "#/components/schemas/ID"},
    "deletion_policy": {"$ref": "#/components/schemas/DeletionPolicy"},
    "expires_after": {"$ref": "#/components/schemas/GoDuration"}
    """#

  private static let restoreOptions = #"""
    "strategy": {"$ref": "#/components/schemas/Strategy"}, "switch_over": {"$ref": "#/components/schemas/SwitchOver"}
    """#

  private static let scheduleFields = #"""
    "destination_id": {"$ref": "#/components/schemas/ID"}, "cron_expression": {"$ref": "#/components/schemas/Cron"},
    "time_zone": {"$ref": "#/components/schemas/TimeZone"}, "enabled": {"type": "boolean"},
    "method": {"type": "string", "enum": ["physical", "logical"]},
    "concurrency_policy": {"type": "string", "enum": ["Forbid", "Replace", "Allow"]},
    "deletion_policy": {"$ref": "#/components/schemas/DeletionPolicy"},
    "retention_count": {"$ref": "#/components/schemas/Kept"}, "retention": {"$ref": "#/components/schemas/Retention"}
    """#
}
