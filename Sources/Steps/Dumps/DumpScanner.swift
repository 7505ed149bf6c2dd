import Glibc

/// Reads an SQL dump as `psql` would, before `psql` does, and lets through nothing but SQL and the data of `COPY`.
///
/// `psql` takes a backslash outside of quotes for a command of its own, and some of these run programs. pg_dump writes
/// two, `\restrict` and `\unrestrict`; their lines are emptied, because the loader restricts `psql` itself, by a key
/// that no dump can know. That is the fence. This is the guide before it: it says the line and the way out, it sees a
/// dump that was cut short, which `psql` would load without a word, and it keeps statements away that reach beyond the
/// database.
///
/// Guarantees: bytes pass unchanged and in order, but for those two commands; nothing of a line with a refused command
/// passes from the backslash on; lines are counted as `psql` counts them. Memory: a word, and 16 bytes a `COPY`.
///
/// It takes strings for standard-conforming, as pg_dump has set them since 9.1, and the text for an encoding in which
/// an ASCII byte is always that character. Source: PostgreSQL's `src/fe_utils/psqlscan.l`, `src/bin/psql/copy.c`.
package struct DumpScanner: Sendable {
  enum State {
    case code, word, number
    case dash, slash
    case lineComment, blockComment
    case string, escapeString, escaped, escapeStringEnd, identifier
    case dollarTag, dollarBody
    case command
    /// Between the semicolon of a `COPY … FROM STDIN` and the end of its line.
    case copyLine
    case data
  }

  /// How much of a line of data was seen: `\.` alone ends the data.
  enum DataLine { case start, backslash, dot, carriageReturn, middle }

  /// Whether a quote goes on with the escape string that has just ended: after white space with a line's end in it.
  enum Continuation { case none, onSameLine, onNextLine }

  /// The line that is being read, counted from 1.
  package internal(set) var line = 1
  var state = State.code
  var statement = DumpStatement()
  /// What is being read: a word, a tag with its dollars, a command, or the text of a comment.
  var text: [UInt8] = []
  var depth = 0
  var last: UInt8 = 0
  var matched = 0
  var dataLine = DataLine.start
  var continuation = Continuation.none
  var lineIsBlank = true
  var commandBeganLine = false
  var began = 1
  var copies: [Copy] = []
  var headers = 0
  var trailers = 0

  struct Copy {
    var first: Int
    var end: Int
  }

  /// Longer words, tags and commands than these are cut: none of those that matter is.
  static let textLimit = 256

  /// A scanner at the beginning of a dump.
  package init() {}

  /// Reads the next bytes; says which of them pass on to `psql`, in order. Throws where the dump is refused: then
  /// nothing of `bytes` may pass.
  package mutating func scan(_ bytes: UnsafeRawBufferPointer) throws(DumpRefusal) -> [Range<Int>] {
    var passing: [Range<Int>] = []
    var start = state == .command ? nil : Optional(0)
    var position = 0
    while position < bytes.count {
      if state == .data {
        position = scanData(bytes, from: position)
        continue
      }
      let byte = bytes[position]
      if byte == 0 { throw notText }
      let wasCommand = state == .command
      try step(byte)
      if !wasCommand, state == .command {
        if let start, start < position { passing.append(start..<position) }
        start = nil
      } else if wasCommand, state != .command {
        start = position
      }
      if byte == .newline { (line, lineIsBlank) = (line + 1, true) }
      position += 1
    }
    if let start, start < bytes.count { passing.append(start..<bytes.count) }
    return passing
  }

  /// The dump is at its end. Throws where it can't end here.
  package mutating func finish() throws(DumpRefusal) {
    switch state {
    case .command: try endCommand()
    case .word: try endWord()
    case .lineComment: endComment()
    case .string, .escapeString, .escaped: throw .cutShort(began, "a string begins here and never ends")
    case .identifier: throw .cutShort(began, "a quoted name begins here and never ends")
    case .dollarBody: throw .cutShort(began, "a dollar-quoted string begins here and never ends")
    case .blockComment: throw .cutShort(began, "a comment begins here and never ends")
    case .copyLine: throw .cutShort(line, "the data of COPY are missing")
    // `\.` may be the last thing, without a line's end.
    case .data where dataLine == .dot || dataLine == .carriageReturn: break
    case .data: throw .cutShort(copies.last?.first ?? line, "the data of COPY begin here and never end")
    default: break
    }
    guard !statement.hasBegun else {
      throw .cutShort(statement.firstLine, "a statement begins here that no semicolon ends")
    }
    guard trailers >= headers else {
      throw DumpRefusal(
        line: line, what: "the line '\(Self.trailer)' that pg_dump writes at the end is missing",
        advice: "the dump was cut short: make or copy it anew; if the line was taken out on purpose, put it back")
    }
  }

  /// The first line of the data of the `COPY` whose data end on `end`; nil where no data end there.
  package func firstDataLine(ofCopyEndingAt end: Int) -> Int? {
    var (low, high) = (0, copies.count)
    while low < high {
      let middle = (low + high) / 2
      if copies[middle].end < end { low = middle + 1 } else { high = middle }
    }
    return low < copies.count && copies[low].end == end ? copies[low].first : nil
  }

  static let header = "-- PostgreSQL database dump"
  static let trailer = "-- PostgreSQL database dump complete"

  var notText: DumpRefusal {
    DumpRefusal(
      line: line, what: "a byte with the value 0, which no SQL has",
      advice: "this is no SQL dump, or one in UTF-16: dump with --encoding=UTF8")
  }
}
