import Foundation
import KubeClient
import KubeModel
import RESTFacade
import TestSupport
import Testing
import TidemarkAPI

@Suite("Destinations over REST are BackupDestinations with Secrets")
struct DestinationTests {
  @Test("created, listed, got, changed and deleted; the secret key is in no answer and the access key is masked")
  func life() async throws {
    try await FacadeBed.with("destination") { bed in
      let made = try await bed.makeDestination()
      #expect(made.headers["location"] == "/api/v1/settings/backup-destinations/\(made.id)")
      #expect(made.data["access_key"] == "AKIA…MPLE")
      #expect(made.headers["x-tidemark-version"] == "test")
      let key = ObjectKey(namespace: bed.namespace, name: "offsite")
      let stored = try await bed.client.get(BackupDestination.self, key)
      #expect(stored.metadata.uid == made.id)
      let secret = try await bed.client.get(
        Secret.self, ObjectKey(namespace: bed.namespace, name: stored.spec.credentials.secretName))
      #expect(secret.string("secret-access-key") == FacadeBed.secretKey)
      #expect(secret.metadata.ownerReferences.map(\.uid) == [made.id])

      for id in [made.id, "offsite", "\(bed.namespace)%2Foffsite", "\(bed.namespace)/offsite"] {
        let got = try await bed.call("GET", "/settings/backup-destinations/\(id)").expect(200)
        #expect(got.id == made.id)
      }
      let list = try await bed.call("GET", "/settings/backup-destinations").expect(200)
      #expect(list.items.map { $0["id"]?.text } == [made.id] && list.json["next_cursor"] == .null)

      let path = "/settings/backup-destinations/\(made.id)"
      let changed = try await bed.call(
        "PUT", path, #"{"prefix": "team/a", "region": "eu-1", "secret_key": "another-secret-of-mine"}"#
      ).expect(200)
      #expect(changed.data["prefix"] == "team/a" && changed.data["bucket"] == "acme")
      let rotated = try await bed.client.get(Secret.self, secret.key)
      #expect(rotated.string("secret-access-key") == "another-secret-of-mine")
      #expect(rotated.string("access-key-id") == FacadeBed.accessKey)
      let removed = try await bed.call("PUT", path, #"{"region": null}"#).expect(200)
      #expect(removed.data["region"] == nil)

      #expect(try await bed.call("DELETE", path).expect(204).body.isEmpty)
      try await bed.call("GET", path).expect(404)
      #expect(try await bed.client.find(BackupDestination.self, key) == nil)
      let told = bed.answers.text + bed.log.text
      for secret in [FacadeBed.secretKey, "another-secret-of-mine", FacadeBed.accessKey, bed.kube.token] {
        #expect(!told.contains(secret))
      }
    }
  }

  @Test(
    "a body that is wrong is a 400 that names every wrong field",
    arguments: [
      (#"{"name": "x", "provider": "s3", "access_key": "a", "secret_key": "b", "bucket": "b"}"#, ["region"]),
      (
        #"{"name": "X", "provider": "azure", "bucket": 7}"#, ["name", "provider", "bucket", "access_key", "secret_key"]
      ),
      (
        #"{"name": "x", "provider": "r2", "access_key": "a", "secret_key": "b", "bucket": "b", "acount_id": "c"}"#,
        ["acount_id"]
      ),
      (#"{"name": "x", "provider": "r2", "access_key": "a", "secret_key": "b", "bucket": "b"}"#, ["account_id"]),
      (
        #"{"name": "x", "provider": "custom", "access_key": "a", "secret_key": null, "bucket": "b", "endpoint": "ftp://h"}"#,
        ["secret_key", "endpoint"]
      ),
      (#"[1]"#, []), (#"{"name": "#, []), ("", ["name", "provider", "access_key", "secret_key", "bucket"]),
    ])
  func wrongBodies(_ body: String, _ fields: [String]) async throws {
    try await FacadeBed.with("destination") { bed in
      let reply = try await bed.call("POST", "/settings/backup-destinations", body).expect(400)
      #expect(reply.code == "BAD_REQUEST" && !reply.message.isEmpty)
      for field in fields { #expect(!reply.field(field).isEmpty, "\(reply.body)") }
      #expect(try await bed.client.list(Secret.self, namespace: bed.namespace).items.isEmpty)
    }
  }

  @Test("one that is in use is not deleted, and the answer says by what")
  func inUse() async throws {
    try await FacadeBed.with("destination") { bed in
      let made = try await bed.makeDestination()
      try await bed.makeDatabase()
      try await bed.eventuallyGet("/databases/shop") { $0.status == 200 }
      let refused = try await bed.call("DELETE", "/settings/backup-destinations/\(made.id)").expect(409)
      #expect(refused.code == "CONFLICT" && refused.message.contains("Database shop"))
      #expect(
        try await bed.client.find(BackupDestination.self, ObjectKey(namespace: bed.namespace, name: "offsite")) != nil)
    }
  }

  @Test("a name that is taken is a 409, and leaves no Secret behind; an old version is a 409")
  func conflicts() async throws {
    try await FacadeBed.with("destination") { bed in
      let made = try await bed.makeDestination()
      let refused = try await bed.call(
        "POST", "/settings/backup-destinations", FacadeBed.destination("offsite", bucket: "other")
      ).expect(409)
      #expect(refused.field("name") == "is taken")
      #expect(try await bed.client.list(Secret.self, namespace: bed.namespace).items.count == 1)
      let path = "/settings/backup-destinations/\(made.id)"
      let version = made.data["resource_version"]?.text ?? ""
      try await bed.call("PUT", path, #"{"prefix": "a"}"#, headers: ["If-Match": "\"\(version)\""]).expect(200)
      let late = try await bed.call("PUT", path, #"{"prefix": "b"}"#, headers: ["If-Match": "\"\(version)\""])
      #expect(late.status == 409 && late.code == "CONFLICT")
      let lateDelete = try await bed.call("DELETE", path, headers: ["If-Match": version])
      #expect(lateDelete.status == 409)
      #expect(try await bed.call("GET", path).data["prefix"] == "a")
    }
  }

  @Test("validate=true writes nothing where the settings do not hold; the try of one that exists says what is wrong")
  func validation() async throws {
    struct Refusing: DestinationValidator {
      func validate(_ spec: BackupDestinationSpec, _ secrets: DestinationSecrets) async throws -> DestinationVerdict {
        secrets.secretAccessKey == FacadeBed.secretKey && spec.bucket == "acme"
          ? .valid(milliseconds: 7) : .invalid(reason: Reason.bucketNotFound, message: "there is no such bucket")
      }
    }
    try await FacadeBed.with("destination", platform: FacadePlatform(validator: Refusing())) { bed in
      let refused = try await bed.call(
        "POST", "/settings/backup-destinations?validate=true", FacadeBed.destination(bucket: "nobucket")
      ).expect(400)
      #expect(refused.field("bucket") == "there is no such bucket" && refused.message.contains("BucketNotFound"))
      #expect(try await bed.client.list(Secret.self, namespace: bed.namespace).items.isEmpty)
      let made = try await bed.call(
        "POST", "/settings/backup-destinations?validate=true", FacadeBed.destination()
      ).expect(201)
      let path = "/settings/backup-destinations/\(made.id)"
      let good = try await bed.call("POST", "\(path)/validate").expect(200)
      #expect(good.data["valid"] == true && good.data["latency_ms"] == 7)
      try await bed.call("PUT", "\(path)?validate=true", #"{"bucket": "gone"}"#).expect(400)
      try await bed.call("PUT", path, #"{"bucket": "gone"}"#).expect(200)
      let bad = try await bed.call("POST", "\(path)/validate", "{}").expect(200)
      #expect(bad.data["valid"] == false && bad.data["reason"] == "BucketNotFound")
    }
  }
}
