import PostgresEngine
import Testing

@Suite("The history file of a timeline")
struct TimelineHistoryTests {
  @Test(
    "a recovery that stopped before its timeline began leaves the one that really held that position",
    arguments: [
      ("1\t0/300\tx\n2\t0/500\ty\n", ["1 0/300", "2 0/500"]),
      ("# nothing\n\n1\t0/300\tbefore 2026-11-24 10:48:28.058338+00\n", ["1 0/300"]),
      // Timeline 2 began at 0/300; recovery along it stopped at 0/200, on timeline 1.
      ("1\t0/300\tx\n2\t0/200\ty\n", ["1 0/200"]),
      ("1\t0/300\tx\n2\t0/500\ty\n3\t0/400\tz\n", ["1 0/300", "2 0/400"]),
      ("1\t0/300\tx\n2\t0/500\ty\n3\t0/100\tz\n", ["1 0/100"]),
      ("1\t0/300\tx\n2\t0/200\ty\n3\t0/600\tz\n", ["1 0/200", "3 0/600"]),
      // Left where it began.
      ("1\t0/300\tx\n2\t0/300\ty\n", ["1 0/300", "2 0/300"]),
    ])
  func ancestors(text: String, expected: [String]) throws {
    let history = try TimelineHistory(timeline: TimelineID(9), parsing: text)
    #expect(history.ancestors.map { "\($0.timeline.number) \($0.end)" } == expected)
  }

  @Test(
    "what is no history is refused",
    arguments: ["1\n", "x\t0/300\ty\n", "1\tnowhere\ty\n", "2\t0/1\n1\t0/2\n", "9\t0/1\n"])
  func refused(text: String) {
    #expect(throws: WALError.self) { try TimelineHistory(timeline: TimelineID(9), parsing: text) }
  }
}
