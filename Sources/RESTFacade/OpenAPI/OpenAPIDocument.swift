/// The API's description in OpenAPI 3.1, written by hand and put together of texts that are compiled in, so that the
/// program needs no file beside itself. Tests hold it to what the router and the answers are.
enum OpenAPIDocument {
  /// The document as JSON.
  static func text(version: String) -> String {
    let paths = [destinationPaths, databasePaths, restorePaths, schedulePaths, otherPaths, openPaths]
    let schemas = [inputSchemas, resourceSchemas, answerSchemas]
    return #"""
      {
      "openapi": "3.1.0",
      "info": {
        "title": "Tidemark",
        "version": "\#(version)",
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        "description": "\#(description)"
      },
      "servers": [{"url": "/"}],
      "security": [{"bearer": []}, {"serviceKey": []}],
      "paths": {
      \#(paths.joined(separator: ",\n"))
      },
      "components": {
      "securitySchemes": {
        "bearer": {"type": "http", "scheme": "bearer", "description": "A token that the cluster knows."},
        "serviceKey": {"type": "apiKey", "in": "header", "name": "x-tidemark-key", "description": "A service key."}
      },
      \#(components),
      "schemas": {
      \#(schemas.joined(separator: ",\n"))
      }
      }
      }
      """#
  }

  private static let description =
    "Backups of databases and what brings them back. Every call reads or writes Kubernetes resources, and is allowed "
    + "to whom the cluster allows that. An id is the uid of a resource; its name, or namespace/name (the slash written "
    + "as %2F or plainly), does as well. A name is looked up in ?namespace=, or else in the default namespace."

  /// The refusals that any call may meet; a refusal by method has `Allow`.
  static let refusals = #"""
    "400": {"$ref": "#/components/responses/Refused"}, "401": {"$ref": "#/components/responses/Unauthorized"},
    "403": {"$ref": "#/components/responses/Refused"}, "404": {"$ref": "#/components/responses/Refused"},
    "409": {"$ref": "#/components/responses/Refused"}, "413": {"$ref": "#/components/responses/Refused"},
    "429": {"$ref": "#/components/responses/Later"}, "500": {"$ref": "#/components/responses/Refused"},
    "503": {"$ref": "#/components/responses/Later"}
    """#

  /// `200` with a schema.
  static func ok(_ schema: String, _ description: String) -> String {
    #""200": {"description": "\#(description)", "headers": {\#(headers)}, \#(content(schema))}, \#(refusals)"#
  }

  /// `201` or `202`, with the place of what was made.
  static func made(_ status: Int, _ schema: String, _ description: String) -> String {
    let location = #""Location": {"description": "Where it is found.", "schema": {"type": "string"}, "required": true}"#
    return #"""
      "\#(status)": {"description": "\#(description)", "headers": {\#(headers), \#(location)}, \#(content(schema))},
      \#(refusals)
      """#
  }

  /// `204`.
  static func gone(_ description: String) -> String {
    #""204": {"description": "\#(description)", "headers": {\#(headers)}}, \#(refusals)"#
  }

  static let headers = #"""
    "x-tidemark-version": {"$ref": "#/components/headers/Version"},
    "x-request-id": {"$ref": "#/components/headers/RequestID"}
    """#

  private static func content(_ schema: String) -> String {
    ##""content": {"application/json": {"schema": {"$ref": "#/components/schemas/\##(schema)"}}}"##
  }

  /// References to parameters by their names in `components`.
  static func parameters(_ names: String...) -> String {
    let references = names.map { ##"{"$ref": "#/components/parameters/\##($0)"}"## }
    return "\"parameters\": [\(references.joined(separator: ", "))]"
  }

  /// A body of a schema, with an example.
  static func body(_ schema: String, _ example: String, required: Bool = true) -> String {
    #"""
    "requestBody": {"required": \#(required), "content": {"application/json": {
      "schema": {"$ref": "#/components/schemas/\#(schema)"}, "example": \#(example)}}}
    """#
  }
}
