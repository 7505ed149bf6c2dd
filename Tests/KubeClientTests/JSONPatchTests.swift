import Foundation
import KubeClient
import KubeModel
import Testing

@Suite("JSON patches")
struct JSONPatchTests {
  @Test("tokens of a pointer are escaped, and a written pointer is taken as it is")
  func pointers() {
    let pointer: JSONPointer = ["metadata", "annotations", "example.com/a~b", ""]
    #expect(pointer.description == "/metadata/annotations/example.com~1a~0b/")
    #expect(("/metadata/finalizers/-" as JSONPointer).description == "/metadata/finalizers/-")
  }

  @Test("each step is written as RFC 6902 has it")
  func steps() throws {
    let steps: [JSONPatchOperation] = [
      .test("/a", nil), .add("/b", ["x", 1]), .replace("/c", true), .remove("/d"),
    ]
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    #expect(
      String(decoding: try encoder.encode(steps), as: UTF8.self)
        == #"[{"op":"test","path":"/a","value":null},{"op":"add","path":"/b","value":["x",1]},"#
        + #"{"op":"replace","path":"/c","value":true},{"op":"remove","path":"/d"}]"#)
  }
}
