import Foundation
import HTTPTypes
import KubeModel
import RESTFacade
import TestSupport
import Testing

@Suite("The document says what the facade does")
struct OpenAPITests {
  private static func document() throws -> JSONValue {
    try JSONDecoder().decode(JSONValue.self, from: Data(OpenAPI.document(version: "1.2.3").utf8))
  }

  @Test("every route is in the document, and the other way round")
  func routes() throws {
    guard case .object(let paths)? = try Self.document()["paths"] else { throw BedError("no paths") }
    var documented: Set<String> = []
    for (path, operations) in paths {
      guard case .object(let operations) = operations else { continue }
      for method in operations.keys { documented.insert("\(method.uppercased()) \(path)") }
    }
    let routed = Router.facade.routes.map {
      "\($0.method.rawValue) \(Router.base)\($0.path.replacing(":id", with: "{id}"))"
    }
    let open = ["/healthz", "/readyz", "/openapi.json", "/api/v1/openapi.json"].map { "GET \($0)" }
    #expect(documented == Set(routed + open))
    #expect(Set(routed).count == routed.count)
  }

  @Test("every reference leads somewhere, every operation has a name of its own, and the version is ours")
  func references() throws {
    let document = try Self.document()
    #expect(document["openapi"] == "3.1.0" && document["info"]?["version"] == "1.2.3")
    var names: [String] = []
    func walk(_ value: JSONValue) throws {
      switch value {
      case .array(let values): try values.forEach(walk)
      case .object(let fields):
        if let reference = fields["$ref"]?.text {
          var place: JSONValue? = document
          for part in reference.dropFirst(2).split(separator: "/") { place = place?[String(part)] }
          #expect(place != nil, "\(reference) leads nowhere")
        }
        if let name = fields["operationId"]?.text { names.append(name) }
        try fields.values.forEach(walk)
      default: break
      }
    }
    try walk(document)
    #expect(Set(names).count == names.count && names.count == Router.facade.routes.count + 4)
  }

  @Test("`tidemark openapi` prints what is served")
  func printed() async throws {
    let printed = try await RunningProgram.run(builtProgram("tidemark"), ["openapi"]).output
    let document = try JSONDecoder().decode(JSONValue.self, from: Data(printed.utf8))
    #expect(document["paths"] == (try Self.document()["paths"]))
  }
}
