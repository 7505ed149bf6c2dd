extension OpenAPIDocument {
  /// The envelopes of answers.
  static let answerSchemas =
    ([
      answer("DestinationAnswer", reference("Destination")), list("DestinationList", "Destination"),
      answer("VerdictAnswer", reference("Verdict")), answer("DatabaseAnswer", reference("Database")),
      list("DatabaseList", "Database"), answer("RecoveryWindowAnswer", reference("RecoveryWindow")),
      answer("BackupAnswer", reference("Backup")), list("BackupList", "Backup"),
      answer("ScheduleAnswer", reference("Schedule")), list("ScheduleList", "Schedule"),
      answer("RestoreAnswer", reference("Restore")), answer("CloneAnswer", reference("CloneOfDatabase")),
      answer(
        "RestoreOrCloneAnswer", #"{"oneOf": [\#(reference("Restore")), \#(reference("CloneOfDatabase"))]}"#),
      list("ApplicationList", "Application"), list("BucketList", "BucketResource"),
    ] + [refusal]).joined(separator: ",\n")

  private static let refusal = #"""
    "Refusal": {"type": "object", "additionalProperties": false, "required": ["success", "error"],
      "properties": {"success": {"const": false},
        "error": {"type": "object", "additionalProperties": false, "required": ["code", "message"],
          "properties": {
            "code": {"type": "string", "enum": [\#(codes)]},
            "message": {"type": "string", "description": "What was wrong and what would be right."},
            "fields": {"type": "object", "additionalProperties": {"type": "string"},
              "description": "What is wrong with which field of the body, the query or the headers."}}}}}
    """#

  private static var codes: String {
    FacadeError.Code.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
  }

  private static func reference(_ schema: String) -> String { ##"{"$ref": "#/components/schemas/\##(schema)"}"## }

  private static func answer(_ name: String, _ data: String) -> String {
    #"""
    "\#(name)": {"type": "object", "additionalProperties": false, "required": ["success", "data"],
      "properties": {"success": {"const": true}, "data": \#(data)}}
    """#
  }

  private static func list(_ name: String, _ item: String) -> String {
    #"""
    "\#(name)": {"type": "object", "additionalProperties": false, "required": ["success", "data", "next_cursor"],
      "properties": {"success": {"const": true},
        "data": {"type": "array", "items": \#(reference(item))},
        "next_cursor": {"type": ["string", "null"], "description": "For ?cursor=; null on the last page."}}}
    """#
  }
}
