/// What is skipped up to its end: comments, dollar quotes, and the commands of `psql`.
extension DumpScanner {
  // MARK: Comments

  mutating func beginComment() {
    (state, text) = (.lineComment, [UInt8(ascii: "-"), UInt8(ascii: "-")])
  }

  mutating func lineComment(_ byte: UInt8) throws(DumpRefusal) {
    if byte == .newline {
      endComment()
    } else if byte != .carriageReturn, text.count < Self.textLimit {
      text.append(byte)
    }
  }

  mutating func endComment() {
    state = .code
    if continuation == .onSameLine { continuation = .onNextLine }
    switch String(decoding: text, as: UTF8.self) {
    case Self.header: headers += 1
    case Self.trailer: trailers += 1
    default: break
    }
  }

  mutating func blockComment(_ byte: UInt8) {
    switch (last, byte) {
    case (UInt8(ascii: "/"), UInt8(ascii: "*")): (depth, last) = (depth + 1, 0)
    case (UInt8(ascii: "*"), UInt8(ascii: "/")): (depth, last) = (depth - 1, 0)
    default: last = byte == .carriageReturn ? 0 : byte
    }
    if depth == 0 { (state, last) = (.code, 0) }
  }

  /// `psql` ends a line comment, and joins strings, at a carriage return; who looks at the text does not see that.
  mutating func checkCarriageReturn(_ byte: UInt8) throws(DumpRefusal) {
    if last == .carriageReturn, byte != .newline {
      throw DumpRefusal(
        line: line, what: "a carriage return without a line feed, outside of quotes",
        advice: "write line ends as LF or as CR LF")
    }
    switch state {
    case .code, .lineComment, .copyLine: last = byte == .carriageReturn ? byte : 0
    default: last = state == .blockComment ? last : 0
    }
  }

  // MARK: Dollar quotes

  mutating func dollarTag(_ byte: UInt8) throws(DumpRefusal) {
    if byte == UInt8(ascii: "$") {
      text.append(byte)
      (state, matched, began) = (.dollarBody, 0, line)
    } else if text.count == 1 ? byte.beginsSQLWord : byte.isInSQLWord {
      guard text.count < Self.textLimit else {
        throw DumpRefusal(
          line: line, what: "a dollar quote's tag has more than \(Self.textLimit) bytes",
          advice: "this is nothing that pg_dump writes: make the dump anew")
      }
      text.append(byte)
    } else if text.count == 1, byte.isSQLDigit {
      state = .number
    } else if text.count > 1 {
      // A dollar that opens nothing; what follows it is a word.
      text = text.dropFirst().map(\.lowercasedSQL)
      state = .word
      try word(byte)
    } else {
      try again(byte)
    }
  }

  mutating func dollarBody(_ byte: UInt8) {
    if byte == text[matched], matched > 0 || byte == UInt8(ascii: "$") {
      matched += 1
      if matched == text.count { state = .code }
    } else {
      matched = byte == UInt8(ascii: "$") ? 1 : 0
    }
  }

  // MARK: Commands

  mutating func command(_ byte: UInt8) throws(DumpRefusal) {
    if byte == .newline { return try endCommand() }
    if text.count >= Self.textLimit { throw .command(String(decoding: text, as: UTF8.self), line: line) }
    text.append(byte)
  }

  /// Only what pg_dump writes passes: at the beginning of a line, between statements, with a key of letters and digits.
  mutating func endCommand() throws(DumpRefusal) {
    let command = String(decoding: text, as: UTF8.self)
    let words = command.split(whereSeparator: \.isWhitespace)
    guard words.count == 2, words[0] == "restrict" || words[0] == "unrestrict", commandBeganLine,
      words[1].utf8.allSatisfy({ $0.isSQLDigit || ($0.beginsSQLWord && $0 < 0x80 && $0 != UInt8(ascii: "_")) }),
      !statement.hasBegun
    else { throw .command(command, line: began) }
    state = .code
  }
}
