/// What a path in a data directory says about a file of pages: its fork, and which part of it this is.
///
/// Names are `<number>[_<fork>][.<segment>]` below `global/`, `base/<database>/` and
/// `pg_tblspc/<oid>/PG_<major>_<catalog>/<database>/` (PostgreSQL's `src/common/relpath.c`). A fork is split into files
/// of 1 GiB.
package struct RelationFileName: Sendable, Equatable {
  /// Blocks of 8 KiB in one file of a fork.
  static let blocksPerSegment: UInt32 = 131_072
  static let blockSize = 8192

  /// The fork's part that the file holds.
  package let segment: UInt32

  /// nil for a path that is not a relation's.
  package init?(path: String) {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    let isPlace: Bool =
      switch parts.first {
      case "global": parts.count == 2
      case "base": parts.count == 3 && Self.isNumber(parts[1])
      case "pg_tblspc":
        parts.count == 5 && Self.isNumber(parts[1]) && parts[2].hasPrefix("PG_") && Self.isNumber(parts[3])
      default: false
      }
    guard isPlace, let name = parts.last else { return nil }
    let pieces = name.split(separator: ".", omittingEmptySubsequences: false)
    let words = pieces[0].split(separator: "_", omittingEmptySubsequences: false)
    guard pieces.count <= 2, (1...2).contains(words.count), Self.isNumber(words[0]) else { return nil }
    if words.count == 2 { guard ["fsm", "vm", "init"].contains(words[1]) else { return nil } }
    guard pieces.count == 2 else {
      segment = 0
      return
    }
    guard Self.isNumber(pieces[1]), let segment = UInt32(pieces[1]), segment <= .max / Self.blocksPerSegment else {
      return nil
    }
    self.segment = segment
  }

  /// The fork's block with which the file begins.
  package var firstBlock: UInt32 { segment &* Self.blocksPerSegment }

  private static func isNumber(_ text: Substring) -> Bool {
    !text.isEmpty && text.utf8.count <= 10 && text.utf8.allSatisfy { (48...57).contains($0) }
  }
}
