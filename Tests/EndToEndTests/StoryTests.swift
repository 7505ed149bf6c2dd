import Foundation
import Testing

@Suite("From kubectl apply to a recovered row")
struct StoryTests {
  @Test("a clone as of the moment before has the rows that were deleted, and the running database is left alone")
  func rowsAreBack() async throws {
    let story = try await Story.told()
    #expect(story.rowsInClone == "20000" && story.rowsLeft == "10")
  }

  @Test("a second backup stores only what changed")
  func secondBackupIsSmall() async throws {
    let story = try await Story.told()
    #expect(story.storedFirst > 0 && story.storedSecond > 0)
    #expect(story.storedSecond < story.storedFirst / 2)
  }

  @Test("a clone is a Database of its own: Ready, archived to an incarnation of its own, with a first backup")
  func cloneIsProtected() async throws {
    let story = try await Story.told()
    #expect(Set(story.cloneConditions.split(separator: " ")) == ["Ready", "Archiving"])
    #expect(!story.incarnations.clone.isEmpty && story.incarnations.clone != story.incarnations.shop)
    #expect(story.cloneInstance == story.incarnations.clone, "a clone's instance is named as its incarnation is")
    #expect(story.initialBackup == "Completed")
  }

  @Test("what the controller and the receiver say of one Database stands side by side")
  func twoFieldManagers() async throws {
    let story = try await Story.told()
    #expect(Set(story.shopConditions.split(separator: " ")) == ["Ready", "Archiving"])
  }

  @Test("kubectl get shows phase, age, size, window and progress")
  func columns() async throws {
    let story = try await Story.told()
    let expected: [(String, [String], [String])] = [
      ("backups", ["PHASE", "PROGRESS", "SIZE", "WINDOW", "AGE"], ["first", "second", "Completed"]),
      ("pitrclones", ["PHASE", "PROGRESS", "SIZE", "RECOVERED TO", "AGE"], ["rescue", "Completed"]),
      ("databases", ["READY", "ARCHIVING", "EARLIEST", "LATEST", "AGE"], ["shop", "rescued", "True"]),
      ("backupdestinations", ["READY", "REASON", "AGE"], ["store", "Validated"]),
    ]
    for (kind, headings, cells) in expected {
      let lines = try #require(story.tables[kind]).split(separator: "\n").map(String.init)
      for heading in headings { #expect(lines.first?.contains(heading) == true, "\(kind) has no \(heading)") }
      for cell in cells { #expect(lines.dropFirst().contains { $0.contains(cell) }, "\(kind) shows no \(cell)") }
    }
    let window = try #require(story.tables["databases"]).split(separator: "\n").first { $0.hasPrefix("shop") }
    #expect(window?.matches(of: /20\d\d-\d\d-\d\dT/).count == 2)
  }

  @Test("kubectl describe shows the events in order")
  func events() async throws {
    let story = try await Story.told()
    func places(_ object: String, _ reasons: [String]) throws -> [Int] {
      let text = try #require(story.descriptions[object])
      let events = try #require(text.range(of: "Events:").map { text[$0.upperBound...] })
      let lines = events.split(separator: "\n")
      return try reasons.map { reason in
        try #require(
          lines.firstIndex { $0.contains("Normal") && $0.contains(" \(reason) ") },
          "no event \(reason) of \(object)")
      }
    }
    let backup = try places("backup/first", ["Started", "Completed"])
    #expect(backup == backup.sorted())
    let clone = try places("pitrclone/rescue", ["Started", "Recovering", "Completed"])
    #expect(clone == clone.sorted())
  }

  @Test("no credential stands in a spec, a status, an event, a log or a step's input")
  func noCredentials() async throws {
    let story = try await Story.told()
    #expect(story.secrets.count == 3 && story.secrets.values.allSatisfy { $0.count >= 8 })
    #expect(story.shown.keys.contains { $0.hasSuffix("input.json") })
    #expect(story.shown["the controller's log"]?.isEmpty == false)
    for (place, text) in story.shown {
      for (name, secret) in story.secrets {
        #expect(!text.contains(secret), "\(name) stands in \(place)")
        let encoded = Data(secret.utf8).base64EncodedString()
        #expect(!text.contains(encoded), "\(name), in base64, stands in \(place)")
      }
    }
  }
}
