/// SQL outside of comments and dollar quotes: words, strings and what stands between them.
extension DumpScanner {
  mutating func step(_ byte: UInt8) throws(DumpRefusal) {
    switch state {
    case .code: try code(byte)
    case .word: try word(byte)
    case .number: if !byte.isInSQLWord, byte != UInt8(ascii: ".") { try again(byte) }
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
    case .string: if byte == .quote { state = .code }
    case .identifier: if byte == .doubleQuote { state = .code }
    case .escapeString:
      if byte == .quote { state = .escapeStringEnd } else if byte == .backslash { state = .escaped }
    case .escaped: state = .escapeString
    case .escapeStringEnd:
      if byte == .quote {
        state = .escapeString
      } else {
        continuation = .onSameLine
        try again(byte)
      }
    case .dollarTag: try dollarTag(byte)
    case .dollarBody: dollarBody(byte)
    case .command: try command(byte)
    case .copyLine: try copyLine(byte)
    case .data: break
    }
    if byte == .carriageReturn || last == .carriageReturn { try checkCarriageReturn(byte) }
  }

  mutating func again(_ byte: UInt8) throws(DumpRefusal) {
    state = .code
    try code(byte)
  }

  mutating func code(_ byte: UInt8) throws(DumpRefusal) {
    if byte.isSQLSpace {
      if byte == .newline, continuation == .onSameLine { continuation = .onNextLine }
      return
    }
    defer { lineIsBlank = false }
    if byte == UInt8(ascii: "-") {
      // Comments are white space.
      state = .dash
      return
    }
    let goesOn = continuation == .onNextLine
    continuation = .none
    switch byte {
    case UInt8(ascii: "/"): state = .slash
    case .quote: try begin(goesOn ? .escapeString : .string)
    case .doubleQuote: try begin(.identifier)
    case UInt8(ascii: "$"):
      try statement.other(line: line)
      (state, text) = (.dollarTag, [byte])
    case UInt8(ascii: "("): try statement.openParenthesis(line: line)
    case UInt8(ascii: ")"): try statement.closeParenthesis(line: line)
    case UInt8(ascii: ";"): if try statement.semicolon(line: line) == .copy { state = .copyLine }
    case .backslash: (state, text, began, commandBeganLine) = (.command, [], line, lineIsBlank)
    case _ where byte.beginsSQLWord: (state, text) = (.word, [byte.lowercasedSQL])
    case _ where byte.isSQLDigit: try begin(.number)
    default: try statement.other(line: line)
    }
  }

  mutating func begin(_ state: State) throws(DumpRefusal) {
    try statement.other(line: line)
    (self.state, began) = (state, line)
  }

  mutating func operatorThen(_ byte: UInt8) throws(DumpRefusal) {
    continuation = .none
    try statement.other(line: line)
    try again(byte)
  }

  mutating func word(_ byte: UInt8) throws(DumpRefusal) {
    if byte.isInSQLWord || byte == UInt8(ascii: "$") {
      if text.count < Self.textLimit { text.append(byte.lowercasedSQL) }
      return
    }
    if byte == .quote, text == [UInt8(ascii: "e")] { return try begin(.escapeString) }
    try endWord()
    try again(byte)
  }

  mutating func endWord() throws(DumpRefusal) {
    try statement.word(String(decoding: text, as: UTF8.self), line: line)
    state = .code
  }
}
