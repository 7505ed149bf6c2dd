import ObjectStore
import Testing

@Suite struct DirectoryKeyTests {
  @Test(
    "ordinary keys are ordinary paths, others are escaped",
    arguments: [
      ("data/ab/abcd", ["data", "ab", "abcd"]), ("a//b/", ["a", "%e", "b", "%e"]), ("a/../.", ["a", "%2E%2E", "%2E"]),
      ("50%/x%o", ["50%25", "x%25o"]), ("%tmp/x", ["%25tmp", "x"]), ("...", ["..."]),
    ])
  func paths(_ key: String, _ names: [String]) { #expect(DirectoryKey.path(of: key) == names) }

  @Test("no name is longer than a file system allows, whatever the key")
  func longNames() {
    for key in [
      String(repeating: "k", count: 1_000), String(repeating: "🙂", count: 250), String(repeating: "%", count: 999),
    ] {
      let names = DirectoryKey.path(of: key)
      #expect(names.allSatisfy { $0.utf8.count <= 202 })
      let read = names.enumerated().map { index, name in
        DirectoryKey.entry(Array(name.utf8), isDirectory: index < names.count - 1)
      }
      let bytes = read.flatMap { entry -> [UInt8] in
        switch entry {
        case .object(let part), .continuation(let part): part
        case .directory, nil: []
        }
      }
      #expect(bytes == Array(key.utf8))
    }
  }

  @Test("names that no key leads to are not listed", arguments: ["%tmp", "a%", "a%4", "%41"])
  func foreign(_ name: String) { #expect(DirectoryKey.entry(Array(name.utf8), isDirectory: true) == nil) }
}
