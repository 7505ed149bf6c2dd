package import TidemarkAPI

extension DumpFormat {
  /// How many bytes of a dump's beginning tell its format; a shorter dump is told from all it has.
  package static let headLength = 512

  /// The format that a dump's first bytes tell of; nil where it is none of ours.
  ///
  /// SQL has no signature: it is told from being text.
  package static func told(by head: [UInt8]) -> DumpFormat? {
    if head.starts(with: "PGDMP".utf8) { return .custom }
    if head.starts(with: [0x1f, 0x8b]) { return .gzip }
    if head.starts(with: [0x28, 0xb5, 0x2f, 0xfd]) { return .zstd }
    if head.count >= 262, head[257..<262].elementsEqual("ustar".utf8) {
      return head.starts(with: Array("toc.dat\0".utf8)) ? .tar : nil
    }
    let isText = !head.isEmpty && head.allSatisfy { $0 >= 0x20 && $0 != 0x7f || (0x09...0x0d).contains($0) }
    return isText && foreign(head) == nil ? .plain : nil
  }

  /// What a beginning that is none of ours looks like, and what to do.
  package static func foreign(_ head: [UInt8]) -> String? {
    let known: [([UInt8], String)] = [
      (Array("BZh".utf8), "compressed by bzip2; compress it by zstd or gzip"),
      ([0xfd, 0x37, 0x7a, 0x58, 0x5a], "compressed by xz; compress it by zstd or gzip"),
      ([0x04, 0x22, 0x4d, 0x18], "compressed by lz4; compress it by zstd or gzip"),
      (Array("PK".utf8) + [3, 4], "a zip archive; take the dump out of it"),
      ([0xff, 0xfe], "text in UTF-16; dump with --encoding=UTF8"),
      ([0xfe, 0xff], "text in UTF-16; dump with --encoding=UTF8"),
    ]
    if head.isEmpty { return "empty; make the dump anew" }
    if let (_, what) = known.first(where: { head.starts(with: $0.0) }) { return what }
    if head.count >= 262, head[257..<262].elementsEqual("ustar".utf8), !head.starts(with: Array("toc.dat\0".utf8)) {
      return "a tar archive that pg_dump did not write; unpack it, or dump with --format=custom"
    }
    return nil
  }

  /// Whether it is another dump, compressed.
  package var isCompression: Bool { self == .gzip || self == .zstd }

  /// Finds the format of a dump: as `asked`, where the bytes agree, else as they tell. Throws a ``StepError``.
  static func settle(_ asked: DumpFormat?, head: [UInt8], of name: String) throws -> DumpFormat {
    let told = told(by: head)
    guard let told else {
      let what = foreign(head) ?? "no dump: neither SQL, nor gzip, zstd, or pg_dump's custom or tar format"
      throw StepError(code: .dumpRefused, message: "\(name) is \(what)")
    }
    guard asked == nil || asked == told else {
      throw StepError(
        code: .dumpRefused,
        message: "\(name) begins as \(told.rawValue), and source.path.format says \(asked?.rawValue ?? ""); "
          + "leave format out, or name the object that was meant")
    }
    return told
  }
}
