/// Which paths belong to a backup or a restore: those that an include names, and no exclude.
///
/// A pattern with a slash other than at its end is a path from the root; without one it may stand at any depth. `*` is
/// any characters but a slash, `?` one of them, `**` any with slashes. What a pattern names, it names with all below.
public struct PathRules: Sendable, Hashable {
  /// The patterns that were given.
  public let include: [String]
  /// The patterns that were given.
  public let exclude: [String]
  private let includes: [PathPattern]
  private let excludes: [PathPattern]

  /// The rules of these patterns; no include at all means everything.
  public init(include: [String] = [], exclude: [String] = []) {
    (self.include, self.exclude) = (include, exclude)
    includes = include.filter { !$0.isEmpty }.map(PathPattern.init)
    excludes = exclude.filter { !$0.isEmpty }.map(PathPattern.init)
  }

  /// Whether there are none.
  public var isEmpty: Bool { includes.isEmpty && excludes.isEmpty }

  /// Whether the file or the object at `path` belongs to it.
  public func admits(_ path: String) -> Bool {
    let parts = PathPattern.parts(of: path)
    if excludes.contains(where: { $0.names(parts) }) { return false }
    return includes.isEmpty || includes.contains { $0.names(parts) }
  }

  /// Whether something at or below the directory at `path` may belong to it.
  public func mayAdmit(below path: String) -> Bool {
    let parts = PathPattern.parts(of: path)
    if excludes.contains(where: { $0.names(parts) }) { return false }
    return includes.isEmpty || includes.contains { $0.names(parts) || $0.mayName(below: parts) }
  }
}

/// One pattern, cut at its slashes.
struct PathPattern: Sendable, Hashable {
  private let parts: [[UInt8]]
  /// Whether it begins at the root.
  private let isAnchored: Bool

  private static let any: [UInt8] = Array("**".utf8)

  init(_ text: String) {
    let isPath = text.dropLast(text.hasSuffix("/") ? 1 : 0).contains("/")
    parts = Self.parts(of: text)
    isAnchored = isPath
  }

  /// The parts of a path, without empty ones.
  static func parts(of path: String) -> [[UInt8]] {
    path.utf8.split(separator: UInt8(ascii: "/")).map { Array($0) }
  }

  /// Whether it names this path, or one above it.
  func names(_ path: [[UInt8]]) -> Bool {
    if isAnchored { return Self.match(parts[...], path[...]) != .no }
    return path.indices.contains { Self.match(parts[...], path[$0...]) != .no }
  }

  /// Whether it may name a path below this one.
  func mayName(below path: [[UInt8]]) -> Bool {
    isAnchored ? Self.match(path: path[...], isBeginningOf: parts[...]) : true
  }

  private enum Match { case no, yes }

  /// Whether the pattern names the path or something above it: it may end before the path does.
  private static func match(_ pattern: ArraySlice<[UInt8]>, _ path: ArraySlice<[UInt8]>) -> Match {
    guard let first = pattern.first else { return .yes }
    if first == any {
      let rest = pattern.dropFirst()
      if rest.isEmpty { return path.isEmpty ? .no : .yes }
      return path.indices.contains { match(rest, path[$0...]) == .yes } ? .yes : .no
    }
    guard let name = path.first, glob(first[...], name[...]) else { return .no }
    return match(pattern.dropFirst(), path.dropFirst())
  }

  private static func match(path: ArraySlice<[UInt8]>, isBeginningOf pattern: ArraySlice<[UInt8]>) -> Bool {
    guard let name = path.first else { return true }
    guard let first = pattern.first else { return true }
    if first == any { return true }
    return glob(first[...], name[...]) && match(path: path.dropFirst(), isBeginningOf: pattern.dropFirst())
  }

  /// `*` and `?` in one part.
  private static func glob(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
    var (pattern, name) = (pattern, name)
    // Where the last star stood, and what it has taken: one step back is enough, as later stars take the rest.
    var retry: (pattern: ArraySlice<UInt8>, name: ArraySlice<UInt8>)?
    while true {
      if let wanted = pattern.first, wanted == UInt8(ascii: "*") {
        pattern = pattern.dropFirst()
        retry = (pattern, name)
      } else if let byte = name.first, let wanted = pattern.first, wanted == UInt8(ascii: "?") || wanted == byte {
        pattern = pattern.dropFirst()
        name = name.dropFirst()
      } else if name.isEmpty, pattern.isEmpty {
        return true
      } else if let last = retry, !last.name.isEmpty {
        retry = (last.pattern, last.name.dropFirst())
        (pattern, name) = (last.pattern, last.name.dropFirst())
      } else {
        return false
      }
    }
  }
}
