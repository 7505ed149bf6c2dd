import Foundation
import HTTPTypes
import KubeModel
import NIOCore
import RESTFacade
import Testing

@Suite("Every path answers in the contract's form")
struct RouteTests {
  @Test("another method is a 405 that says which there are; another path is a 404; both are in the envelope")
  func methods() async throws {
    try await FacadeBed.with("routes") { bed in
      let wrong = try await bed.call("PATCH", "/databases/shop/backups").expect(405)
      #expect(wrong.code == "METHOD_NOT_ALLOWED" && wrong.headers["allow"] == "GET, POST")
      #expect(try await bed.call("DELETE", "/healthz").expect(405).headers["allow"] == "GET")
      for path in ["/nothing", "/databases/a/b/c/d", "/databases//backups", "/databases/%ff", "/databases/a%00b"] {
        let reply = try await bed.call("GET", path).expect(404)
        #expect(reply.json["success"] == false && reply.code == "NOT_FOUND")
      }
      for id in ["..", "UPPER", "a%2Fb%2Fc", String(repeating: "x", count: 400)] {
        try await bed.call("GET", "/databases/\(id.replacing("..", with: "%2E%2E"))").expect(404)
      }
    }
  }

  @Test("an id of two segments is found plainly, and does not hide a route")
  func ids() {
    func match(_ method: HTTPRequest.Method, _ path: String) -> String {
      guard case .route(let route, let id) = Router.facade.find(method, "/api/v1" + path) else { return "none" }
      return "\(route.path) \(id)"
    }
    #expect(match(.post, "/backup-schedules/nightly/run") == "/backup-schedules/:id/run nightly")
    #expect(match(.get, "/backup-schedules/team/nightly") == "/backup-schedules/:id team/nightly")
    #expect(match(.get, "/databases/team%2Fshop/backups") == "/databases/:id/backups team/shop")
    #expect(match(.get, "/databases/team/shop/backups") == "/databases/:id/backups team/shop")
    #expect(match(.post, "/backups/database/team/b1/restore") == "/backups/database/:id/restore team/b1")
  }

  @Test("a request id is the caller's where it is fit for a log, and new where it is not")
  func requestID() async throws {
    try await FacadeBed.with("routes") { bed in
      let own = try await bed.call("GET", "/databases", headers: ["x-request-id": "req-1.a"])
      #expect(own.headers["x-request-id"] == "req-1.a")
      let made = try await bed.call("GET", "/databases", headers: ["x-request-id": "a b\"c"])
      #expect(made.headers["x-request-id"]?.count ?? 0 >= 15 && made.headers["x-request-id"] != "a b\"c")
      #expect(made.headers["x-tidemark-version"] == "test")
      #expect(made.headers["content-type"] == "application/json" && made.headers["cache-control"] == "no-store")
    }
  }

  @Test("a body that is not said to be JSON, or is too deep, is a 400")
  func bodies() async throws {
    try await FacadeBed.with("routes") { bed in
      try await bed.makeDatabase()
      let plain = ["Content-Type": "text/plain"]
      #expect(try await bed.call("POST", "/databases/shop/backups", "{}", headers: plain).status == 400)
      let deep = String(repeating: "[", count: 100_000)
      #expect(try await bed.call("POST", "/databases/shop/backups", #"{"method": \#(deep)"#).status == 400)
      #expect(try await bed.call("POST", "/databases/shop/backups", "{\"method\": \"\u{0}\"}").status == 400)
      let charset = ["Content-Type": "Application/JSON; charset=utf-8"]
      #expect(try await bed.call("POST", "/databases/shop/backups", "{}", headers: charset).status == 202)
    }
  }

  @Test("JSON is escaped where it must be, and reads back as it was")
  func json() throws {
    let texts = ["plain", "quote \" and \\", "line\nfeed\u{1}\u{1f}", "ümläut 🐘", ""]
    for value in texts {
      var text = JSONText()
      text.object { text in
        text.field("a", value)
        text.field("b", array: [value, value]) { $1.string($0) }
        text.field("c", texts: [value: value])
        text.field("n", Int64.min)
        text.field("none", nil as String?)
        text.nullableField("null", nil)
        text.field("o") { $0.object { $0.field("t", true) } }
      }
      let read = try JSONDecoder().decode(JSONValue.self, from: Data(text.buffer.readableBytesView))
      #expect(read["a"] == .string(value) && read["b"] == [.string(value), .string(value)])
      #expect(read["c"]?[value] == .string(value) && read["n"] == .integer(.min) && read["none"] == nil)
      #expect(read["null"] == .null && read["o"] == ["t": true])
    }
  }
}
