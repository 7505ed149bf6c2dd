import FileEngine
import Repository
import Testing

@Suite("Keys as paths")
struct ObjectPathTests {
  @Test(
    "a key is cut at its slashes, and read back from its path",
    arguments: [
      ("a", ["a"]), ("a/b.txt", ["a", "b.txt"]), ("a/", ["a", "%"]), ("a//b", ["a", "%", "b"]),
      ("100%/x", ["100%25", "x"]),
      ("./..", ["%2E", "%2E%2E"]), ("ü/ö", ["ü", "ö"]), ("%41", ["%2541"]),
    ])
  func keys(_ key: String, _ parts: [String]) {
    let path = ObjectPath(key: key)
    #expect((path.directories + [path.name]).map(\.description) == parts)
    let back = (path.directories + [path.name]).map { String(decoding: ObjectPath.part(of: $0), as: UTF8.self) }
    #expect(back.joined(separator: "/") == key)
  }

  @Test("a mark behind the name of an object beside a directory means nothing")
  func mark() {
    #expect(ObjectPath.part(of: "a%") == Array("a".utf8))
    #expect(ObjectPath.part(of: "%") == [] && ObjectPath.part(of: "%%") == [])
  }
}

@Suite("Include and exclude")
struct PathRulesTests {
  @Test(
    "a pattern with a slash is a path from the root, one without stands at any depth",
    arguments: [
      ("*.log", "a/b.log", true), ("*.log", "a/b.log.gz", false), ("/b.log", "a/b.log", false),
      ("cache", "a/cache/x", true),
      ("a/*/c", "a/b/c/d", true), ("a/*/c", "a/b/d", false), ("a/**/z", "a/b/c/z", true), ("**/z", "z", true),
      ("a?c", "abc", true), ("a?c", "ac", false), ("*a*b*", "xaxxbx", true), ("tmp/", "x/tmp/y", true),
    ])
  func exclude(_ pattern: String, _ path: String, _ isNamed: Bool) {
    #expect(PathRules(exclude: [pattern]).admits(path) == !isNamed)
    #expect(PathRules(include: [pattern]).admits(path) == isNamed)
  }

  @Test("a directory is looked into where something below it may belong")
  func below() {
    let rules = PathRules(include: ["var/lib/*.db"], exclude: ["var/lib/old"])
    #expect(rules.mayAdmit(below: "var"))
    #expect(rules.mayAdmit(below: "var/lib"))
    #expect(!rules.mayAdmit(below: "etc"))
    #expect(!rules.mayAdmit(below: "var/lib/old"))
    #expect(PathRules(include: ["*.db"]).mayAdmit(below: "anything"))
    #expect(!rules.admits("var/lib/x.txt"))
  }
}
