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
    func cell(_ kind: String, _ name: String, _ heading: String) throws -> String {
      let table = KubectlTable(try #require(story.tables[kind]))
      return try #require(table[name, heading], "\(kind) shows no \(heading)")
    }
    for backup in ["first", "second"] {
      #expect(try cell("backups", backup, "PHASE") == "Completed")
      #expect(try cell("backups", backup, "PROGRESS") == "100")
      #expect(Int(try cell("backups", backup, "SIZE")) ?? 0 > 1_000_000)
      #expect(Int(try cell("backups", backup, "STORED")) ?? 0 > 1000)
      #expect(try cell("backups", backup, "WINDOW").contains(/^20\d\d-\d\d-\d\dT.*Z$/))
    }
    #expect(try cell("pitrclones", "rescue", "PHASE") == "Completed")
    #expect(try cell("pitrclones", "rescue", "PROGRESS") == "100")
    #expect(Int(try cell("pitrclones", "rescue", "SIZE")) ?? 0 > 1_000_000)
    #expect(try cell("pitrclones", "rescue", "RECOVERED TO").contains(/^20\d\d-/))
    for database in ["shop", "rescued"] {
      #expect(try cell("databases", database, "READY") == "True")
      #expect(try cell("databases", database, "ARCHIVING") == "True")
    }
    #expect(try cell("databases", "shop", "EARLIEST") < cell("databases", "shop", "LATEST"))
    #expect(try cell("backupdestinations", "store", "REASON") == "Validated")
    for (kind, name) in [("backups", "first"), ("pitrclones", "rescue"), ("databases", "shop")] {
      #expect(try cell(kind, name, "AGE").contains(/^[0-9]+[smh]/))
    }
  }

  @Test("kubectl wait --for=condition=Ready works on every kind")
  func waits() async throws {
    let story = try await Story.told()
    #expect(story.waits.count == 4)
    for (object, printed) in story.waits { #expect(printed.contains("condition met"), "\(object): \(printed)") }
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
