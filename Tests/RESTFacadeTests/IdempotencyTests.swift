import KubeClient
import KubeModel
import RESTFacade
import Testing
import TidemarkAPI

@Suite("The same key and body make one thing, however often and wherever they are sent")
struct IdempotencyTests {
  @Test("20 equal calls at once at two replicas make one Backup")
  func parallel() async throws {
    try await FacadeBed.with("idempotency", replicas: 2) { bed in
      try await bed.makeDatabase()
      let ids = try await withThrowingTaskGroup(of: String.self) { group in
        for number in 0..<20 {
          group.addTask {
            let reply = try await bed.call(
              "POST", "/databases/shop/backups", #"{"deletion_policy": "Retain"}"#,
              headers: ["Idempotency-Key": "nightly-1"], replica: number % 2)
            return try reply.expect(202).id
          }
        }
        return try await group.reduce(into: Set<String>()) { $0.insert($1) }
      }
      #expect(ids.count == 1)
      #expect(try await bed.client.list(Backup.self, namespace: bed.namespace).items.count == 1)
    }
  }

  @Test("20 equal creations of a destination at two replicas make one, with one Secret")
  func parallelDestinations() async throws {
    try await FacadeBed.with("idempotency", replicas: 2) { bed in
      let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
        for number in 0..<20 {
          group.addTask {
            try await bed.call(
              "POST", "/settings/backup-destinations", FacadeBed.destination(),
              headers: ["Idempotency-Key": "offsite"], replica: number % 2
            ).status
          }
        }
        return try await group.reduce(into: [Int]()) { $0.append($1) }
      }
      #expect(statuses.allSatisfy { $0 == 201 }, "\(statuses)")
      #expect(try await bed.client.list(BackupDestination.self, namespace: bed.namespace).items.count == 1)
      let secrets = try await bed.client.list(Secret.self, namespace: bed.namespace).items
      #expect(secrets.count == 1 && secrets.first?.metadata.ownerReferences.count == 1)
    }
  }

  @Test("the same key with another body is a 409, with another caller's or target's it is another key")
  func otherBody() async throws {
    let place = try await FacadeBed.keysSecret(["admin": "idem-key-1"], namespaces: ["*"])
    try await FacadeBed.with("idempotency", change: { $0.serviceKeys = place }) { bed in
      try await bed.makeDestination()
      try await bed.makeDatabase()
      try await bed.makeDatabase("other")
      let key = ["Idempotency-Key": "k"]
      let first = try await bed.call("POST", "/databases/shop/backups", "{}", headers: key).expect(202)
      let again = try await bed.call("POST", "/databases/shop/backups", "{}", headers: key).expect(202)
      #expect(first.id == again.id && first.headers["location"] == again.headers["location"])
      let refused = try await bed.call(
        "POST", "/databases/shop/backups", #"{"deletion_policy": "Retain"}"#, headers: key
      ).expect(409)
      #expect(!refused.field("Idempotency-Key").isEmpty)
      let target = try await bed.call("POST", "/databases/other/backups", "{}", headers: key).expect(202)
      let caller = try await bed.call(
        "POST", "/databases/shop/backups?namespace=\(bed.namespace)", "{}", headers: key, as: .key("idem-key-1")
      ).expect(202)
      #expect(Set([first.id, target.id, caller.id]).count == 3)
      try await bed.call("POST", "/databases/shop/backups", "{}", headers: ["Idempotency-Key": "a b"]).expect(400)
      for (path, one, two) in [
        ("/settings/backup-destinations", FacadeBed.destination("a"), FacadeBed.destination("b")),
        ("/backup-schedules", Self.schedule("one"), Self.schedule("two")),
      ] {
        let made = try await bed.call("POST", path, one, headers: key).expect(201)
        #expect(try await bed.call("POST", path, one, headers: key).expect(201).id == made.id)
        #expect(try await bed.call("POST", path, two, headers: key).status == 409)
      }
      #expect(try await bed.client.list(BackupDestination.self, namespace: bed.namespace).items.count == 2)
    }
  }

  private static func schedule(_ name: String) -> String {
    #"{"name": "\#(name)", "database_id": "shop", "destination_id": "offsite", "cron_expression": "0 2 * * *"}"#
  }
}
