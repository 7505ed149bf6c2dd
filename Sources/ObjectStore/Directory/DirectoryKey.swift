/// How a key becomes a path below a `DirectoryStore`'s root, and a file name a part of a key again.
///
/// Ordinary keys stay as they are, so that a repository in a directory is one that `restic -r DIRECTORY` opens. A `%`
/// begins everything out of the ordinary, and is itself written `%25`:
/// - a component that is empty, `.` or `..` becomes `%e`, `%2E`, `%2E%2E`;
/// - a component longer than 200 bytes is cut in directories whose names end in `%+`, since a file name holds 255;
/// - an object whose name is taken by a directory (`a` beside `a/b`) lies beside it, as `a%o`.
package enum DirectoryKey {
  /// Longest file name that we make, without the marks at its end.
  static let longestName = 200
  static let continuationMark = "%+"
  static let besideMark = "%o"
  /// Where unfinished objects lie. No key leads there, because a `%` in a key is escaped.
  static let temporaryDirectory = "%tmp"

  private static let emptyName = "%e"
  private static let percent = UInt8(ascii: "%")

  /// The names, from the root down, of the directories and of the file that hold `key`.
  package static func path(of key: String) -> [String] {
    key.unicodeScalars.split(separator: "/", omittingEmptySubsequences: false).flatMap(names)
  }

  private static func names(of component: Substring.UnicodeScalarView) -> [String] {
    switch String(component) {
    case "": return [emptyName]
    case ".": return ["%2E"]
    case "..": return ["%2E%2E"]
    default: break
    }
    var names: [String] = []
    var name = ""
    for scalar in component {
      let piece = scalar == "%" ? "%25" : String(scalar)
      if name.utf8.count + piece.utf8.count > longestName {
        names.append(name + continuationMark)
        name = ""
      }
      name.unicodeScalars.append(contentsOf: piece.unicodeScalars)
    }
    return names + [name]
  }

  /// What a name in a directory stands for.
  package enum Entry: Equatable, Sendable {
    /// An object; the bytes end its key.
    case object([UInt8])
    /// A directory; the bytes and a slash follow in the keys of all that lies in it.
    case directory([UInt8])
    /// A directory whose content goes on in the same component.
    case continuation([UInt8])
  }

  /// Reads a name; nil when no key leads to it.
  package static func entry(_ name: [UInt8], isDirectory: Bool) -> Entry? {
    if isDirectory, let start = name.removing(suffix: continuationMark) {
      return unescaped(start).map(Entry.continuation)
    }
    if !isDirectory, let start = name.removing(suffix: besideMark) {
      return unescaped(start).map(Entry.object)
    }
    return unescaped(name[...]).map { isDirectory ? .directory($0) : .object($0) }
  }

  private static func unescaped(_ name: ArraySlice<UInt8>) -> [UInt8]? {
    if name.elementsEqual(emptyName.utf8) { return [] }
    var result: [UInt8] = []
    result.reserveCapacity(name.count)
    var rest = name
    while let byte = rest.popFirst() {
      guard byte == percent else {
        result.append(byte)
        continue
      }
      if rest.starts(with: "25".utf8) {
        result.append(percent)
      } else if rest.starts(with: "2E".utf8) {
        result.append(UInt8(ascii: "."))
      } else {
        return nil
      }
      rest = rest.dropFirst(2)
    }
    return result
  }
}

extension [UInt8] {
  fileprivate func removing(suffix: String) -> ArraySlice<UInt8>? {
    reversed().starts(with: suffix.utf8.reversed()) ? dropLast(suffix.utf8.count) : nil
  }
}
