import HTTPTypes
import Hummingbird
import NIOCore

/// What a call is answered with, before the headers that every answer carries.
struct Answer {
  var status: HTTPResponse.Status
  var headers: HTTPFields = [:]
  var body: ByteBuffer?

  init(_ status: HTTPResponse.Status, body: ByteBuffer? = nil) {
    (self.status, self.body) = (status, body)
  }

  /// 200 with one thing.
  static func data(_ view: some JSONView) -> Answer { Answer(.ok, body: enveloped(view)) }

  /// 201 with the thing that was created, and where it is found.
  static func created(_ view: some JSONView, at location: String) -> Answer { made(.created, view, location) }

  /// 202 with the thing to poll, and where it is found.
  static func accepted(_ view: some JSONView, at location: String) -> Answer { made(.accepted, view, location) }

  /// 204.
  static let noContent = Answer(.noContent)

  /// 200 with a page of a list.
  static func list<View: JSONView>(_ page: Page<View>) -> Answer {
    var text = JSONText()
    text.object { text in
      text.field("success", true)
      text.field("data", array: page.items) { $0.write(to: &$1) }
      text.nullableField("next_cursor", page.next?.description)
    }
    return Answer(.ok, body: text.buffer)
  }

  private static func made(_ status: HTTPResponse.Status, _ view: some JSONView, _ location: String) -> Answer {
    var answer = Answer(status, body: enveloped(view))
    answer.headers[.location] = location
    return answer
  }

  private static func enveloped(_ view: some JSONView) -> ByteBuffer {
    var text = JSONText()
    text.object { text in
      text.field("success", true)
      text.field("data", view)
    }
    return text.buffer
  }
}

extension JSONText {
  /// A field with what a view writes.
  mutating func field(_ name: StaticString, _ view: some JSONView) {
    field(name) { view.write(to: &$0) }
  }
}
