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
  private enum State {
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
  private enum DataLine { case start, backslash, dot, carriageReturn, middle }

  /// The line that is being read, counted from 1.
  package private(set) var line = 1
  private var state = State.code
  private var statement = DumpStatement()
  /// What is being read: a word, a tag with its dollars, a command, or the text of a comment.
  private var text: [UInt8] = []
  private var depth = 0
  private var last: UInt8 = 0
  private var matched = 0
  private var dataLine = DataLine.start
  private var lineIsBlank = true
  private var commandBeganLine = false
  private var began = 1
  private var copies: [Copy] = []
  private var headers = 0
  private var trailers = 0

  private struct Copy {
    var first: Int
    var end: Int
  }

  /// Longer words, tags and commands than these are cut: none of those that matter is.
  private static let textLimit = 256

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
      if byte == newline { (line, lineIsBlank) = (line + 1, true) }
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

  private static let header = "-- PostgreSQL database dump"
  private static let trailer = "-- PostgreSQL database dump complete"

  private var notText: DumpRefusal {
    DumpRefusal(
      line: line, what: "a byte with the value 0, which no SQL has",
      advice: "this is no SQL dump, or one in UTF-16: dump with --encoding=UTF8")
  }

  // MARK: Data

  /// Reads data up to their end, or all there is. Returns the position of what follows.
  private mutating func scanData(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
    var position = start
    while position < bytes.count {
      if dataLine == .middle {
        guard let end = Self.lineEnd(in: bytes, from: position) else { return bytes.count }
        position = end
      }
      let byte = bytes[position]
      position += 1
      if byte == newline {
        let isEnd = dataLine == .dot || dataLine == .carriageReturn
        if isEnd { copies[copies.count - 1].end = line }
        line += 1
        dataLine = .start
        if isEnd {
          (state, lineIsBlank) = (.code, true)
          return position
        }
        continue
      }
      dataLine =
        switch (dataLine, byte) {
        case (.start, backslash): .backslash
        case (.backslash, UInt8(ascii: ".")): .dot
        case (.dot, carriageReturn): .carriageReturn
        default: .middle
        }
    }
    return position
  }

  private static func lineEnd(in bytes: UnsafeRawBufferPointer, from position: Int) -> Int? {
    guard let base = bytes.baseAddress,
      let found = memchr(base + position, Int32(newline), bytes.count - position)
    else { return nil }
    return UnsafeRawPointer(found) - base
  }

  // MARK: SQL

  private mutating func step(_ byte: UInt8) throws(DumpRefusal) {
    switch state {
    case .code: try code(byte)
    case .word: try word(byte)
    case .number: if !isWordByte(byte), byte != UInt8(ascii: ".") { try again(byte) }
    case .dash:
      if byte == UInt8(ascii: "-") { beginComment() } else { try operatorThen(byte) }
    case .slash:
      if byte == UInt8(ascii: "*") {
        (state, depth, last, began) = (.blockComment, 1, 0, line)
      } else {
        try operatorThen(byte)
      }
    case .lineComment: try lineComment(byte)
    case .blockComment: blockComment(byte)
    case .string: if byte == quote { state = .code }
    case .identifier: if byte == doubleQuote { state = .code }
    case .escapeString:
      if byte == quote { state = .escapeStringEnd } else if byte == backslash { state = .escaped }
    case .escaped: state = .escapeString
    case .escapeStringEnd: if byte == quote { state = .escapeString } else { try again(byte) }
    case .dollarTag: try dollarTag(byte)
    case .dollarBody: dollarBody(byte)
    case .command: try command(byte)
    case .copyLine: try copyLine(byte)
    case .data: break
    }
    if byte == carriageReturn || last == carriageReturn { try checkCarriageReturn(byte) }
  }

  private mutating func again(_ byte: UInt8) throws(DumpRefusal) {
    state = .code
    try code(byte)
  }

  private mutating func code(_ byte: UInt8) throws(DumpRefusal) {
    if isSpace(byte) { return }
    defer { lineIsBlank = false }
    switch byte {
    case UInt8(ascii: "-"): state = .dash
    case UInt8(ascii: "/"): state = .slash
    case quote: try begin(.string)
    case doubleQuote: try begin(.identifier)
    case UInt8(ascii: "$"):
      try statement.other(line: line)
      (state, text) = (.dollarTag, [byte])
    case UInt8(ascii: "("): try statement.openParenthesis(line: line)
    case UInt8(ascii: ")"): try statement.closeParenthesis(line: line)
    case UInt8(ascii: ";"): if try statement.semicolon(line: line) == .copy { state = .copyLine }
    case backslash: (state, text, began, commandBeganLine) = (.command, [], line, lineIsBlank)
    case _ where isWordStart(byte): (state, text) = (.word, [lowercased(byte)])
    case _ where isDigit(byte): try begin(.number)
    default: try statement.other(line: line)
    }
  }

  private mutating func begin(_ state: State) throws(DumpRefusal) {
    try statement.other(line: line)
    (self.state, began) = (state, line)
  }

  private mutating func operatorThen(_ byte: UInt8) throws(DumpRefusal) {
    try statement.other(line: line)
    try again(byte)
  }

  private mutating func word(_ byte: UInt8) throws(DumpRefusal) {
    if isWordByte(byte) || byte == UInt8(ascii: "$") {
      if text.count < Self.textLimit { text.append(lowercased(byte)) }
      return
    }
    if byte == quote, text == [UInt8(ascii: "e")] { return try begin(.escapeString) }
    try endWord()
    try again(byte)
  }

  private mutating func endWord() throws(DumpRefusal) {
    try statement.word(String(decoding: text, as: UTF8.self), line: line)
    state = .code
  }

  // MARK: Comments

  private mutating func beginComment() {
    (state, text) = (.lineComment, [UInt8(ascii: "-"), UInt8(ascii: "-")])
  }

  private mutating func lineComment(_ byte: UInt8) throws(DumpRefusal) {
    if byte == newline {
      endComment()
    } else if byte != carriageReturn, text.count < Self.textLimit {
      text.append(byte)
    }
  }

  private mutating func endComment() {
    state = .code
    switch String(decoding: text, as: UTF8.self) {
    case Self.header: headers += 1
    case Self.trailer: trailers += 1
    default: break
    }
  }

  private mutating func blockComment(_ byte: UInt8) {
    switch (last, byte) {
    case (UInt8(ascii: "/"), UInt8(ascii: "*")): (depth, last) = (depth + 1, 0)
    case (UInt8(ascii: "*"), UInt8(ascii: "/")): (depth, last) = (depth - 1, 0)
    default: last = byte == carriageReturn ? 0 : byte
    }
    if depth == 0 { (state, last) = (.code, 0) }
  }

  /// `psql` ends a line comment, and joins strings, at a carriage return; who looks at the text does not see that.
  private mutating func checkCarriageReturn(_ byte: UInt8) throws(DumpRefusal) {
    if last == carriageReturn, byte != newline {
      throw DumpRefusal(
        line: line, what: "a carriage return without a line feed, outside of quotes",
        advice: "write line ends as LF or as CR LF")
    }
    switch state {
    case .code, .lineComment, .copyLine: last = byte == carriageReturn ? byte : 0
    default: last = state == .blockComment ? last : 0
    }
  }

  // MARK: Dollar quotes

  private mutating func dollarTag(_ byte: UInt8) throws(DumpRefusal) {
    if byte == UInt8(ascii: "$") {
      text.append(byte)
      (state, matched, began) = (.dollarBody, 0, line)
    } else if text.count == 1 ? isWordStart(byte) : isWordByte(byte) {
      guard text.count < Self.textLimit else {
        throw DumpRefusal(
          line: line, what: "a dollar quote's tag has more than \(Self.textLimit) bytes",
          advice: "this is nothing that pg_dump writes: make the dump anew")
      }
      text.append(byte)
    } else if text.count == 1, isDigit(byte) {
      state = .number
    } else if text.count > 1 {
      // A dollar that opens nothing; what follows it is a word.
      text = text.dropFirst().map(lowercased)
      state = .word
      try word(byte)
    } else {
      try again(byte)
    }
  }

  private mutating func dollarBody(_ byte: UInt8) {
    if byte == text[matched], matched > 0 || byte == UInt8(ascii: "$") {
      matched += 1
      if matched == text.count { state = .code }
    } else {
      matched = byte == UInt8(ascii: "$") ? 1 : 0
    }
  }

  // MARK: Commands

  private mutating func command(_ byte: UInt8) throws(DumpRefusal) {
    if byte == newline { return try endCommand() }
    if text.count >= Self.textLimit { throw .command(String(decoding: text, as: UTF8.self), line: line) }
    text.append(byte)
  }

  /// Only what pg_dump writes passes: at the beginning of a line, between statements, with a key of letters and digits.
  private mutating func endCommand() throws(DumpRefusal) {
    let command = String(decoding: text, as: UTF8.self)
    let words = command.split(whereSeparator: \.isWhitespace)
    guard words.count == 2, words[0] == "restrict" || words[0] == "unrestrict", commandBeganLine,
      words[1].utf8.allSatisfy({ isDigit($0) || (isWordStart($0) && $0 < 0x80 && $0 != UInt8(ascii: "_")) }),
      !statement.hasBegun
    else { throw .command(command, line: began) }
    state = .code
  }

  // MARK: The line of a COPY

  private mutating func copyLine(_ byte: UInt8) throws(DumpRefusal) {
    if byte == newline {
      copies.append(Copy(first: line + 1, end: 0))
      (state, dataLine) = (.data, .start)
    } else if !isSpace(byte) {
      throw DumpRefusal(
        line: line, what: "something follows COPY … FROM STDIN on its line",
        advice: "begin what follows after the data's end, on a line of its own")
    }
  }
}

private let newline = UInt8(ascii: "\n")
private let carriageReturn = UInt8(ascii: "\r")
private let backslash = UInt8(ascii: "\\")
private let quote = UInt8(ascii: "'")
private let doubleQuote = UInt8(ascii: "\"")

private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }
private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
private func isWordStart(_ byte: UInt8) -> Bool {
  (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) && byte < 0x80 || byte == UInt8(ascii: "_")
    || byte >= 0x80
}
private func isWordByte(_ byte: UInt8) -> Bool { isWordStart(byte) || isDigit(byte) }
private func lowercased(_ byte: UInt8) -> UInt8 {
  (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}
