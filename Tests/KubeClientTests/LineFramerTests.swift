import KubeClient
import NIOCore
import Testing

@Suite("Lines of a watch")
struct LineFramerTests {
  private let text = "{\"a\":1}\n\n{\"ü\":\"€\"}\n{}\n"
  private let expected = ["{\"a\":1}", "{\"ü\":\"€\"}", "{}"]

  private func lines(_ chunks: [[UInt8]], limit: Int = 100) throws -> (lines: [String], isUnfinished: Bool) {
    var framer = LineFramer(limit: limit)
    var lines: [String] = []
    for chunk in chunks {
      framer.append(ByteBuffer(bytes: chunk))
      while let line = try framer.nextLine() { lines.append(String(buffer: line)) }
    }
    return (lines, framer.holdsUnfinishedLine)
  }

  @Test("the same lines come out wherever the chunks are cut, at every two places")
  func everySplit() throws {
    let bytes = Array(text.utf8)
    for first in 0...bytes.count {
      for second in first...bytes.count {
        let result = try lines([
          Array(bytes[..<first]), Array(bytes[first..<second]), Array(bytes[second...]),
        ])
        #expect(result.lines == expected && !result.isUnfinished)
      }
    }
    #expect(try lines(bytes.map { [$0] }).lines == expected)
  }

  @Test("bytes without a line end are an unfinished line, not a line")
  func unfinished() throws {
    let result = try lines([Array("{}\n{\"a\"".utf8)])
    #expect(result.lines == ["{}"] && result.isUnfinished)
  }

  @Test("a line at the bound passes and one beyond it is refused, before and after its end is seen")
  func bound() throws {
    #expect(try lines([Array("12345\n".utf8)], limit: 5).lines == ["12345"])
    #expect(throws: LineFramer.LineTooLong.self) { try lines([Array("123456\n".utf8)], limit: 5) }
    #expect(throws: LineFramer.LineTooLong.self) { try lines([Array("123".utf8), Array("456".utf8)], limit: 5) }
  }
}
