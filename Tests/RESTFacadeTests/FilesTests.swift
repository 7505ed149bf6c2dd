import KubeClient
import KubeModel
import RESTFacade
import Testing
import TidemarkAPI

@Suite("Volumes and buckets")
struct FilesTests {
  @Test("a workload is an application, found by name, namespace and name, and id; its volumes are backed up")
  func applications() async throws {
    try await FacadeBed.with("files") { bed in
      try await bed.makeDestination()
      try await bed.makeWorkload("web")
      let applications = try await bed.call("GET", "/applications").expect(200)
      #expect(applications.items.map { $0["kind"] } == ["Deployment"])
      let id = try #require(applications.items.first?["id"]?.text)
      for name in ["web", "\(bed.namespace)/web", id] {
        try await bed.call("GET", "/applications/\(name)/volume-backups").expect(200)
      }
      try await bed.call("GET", "/applications/nothing/volume-backups").expect(404)
      let made = try await bed.call(
        "POST", "/applications/\(id)/volume-backups",
        #"{"destination_id": "offsite", "claims": ["data"], "exclude": ["*.tmp"]}"#
      ).expect(202)
      let name = try #require(made.data["name"]?.text)
      let backup = try await bed.client.get(Backup.self, ObjectKey(namespace: bed.namespace, name: name))
      #expect(backup.spec.target.application == WorkloadReference(kind: "Deployment", name: "web"))
      #expect(backup.spec.volumes?.claims == ["data"] && backup.spec.volumes?.exclude == ["*.tmp"])
      let listed = try await bed.call("GET", "/applications/web/volume-backups").expect(200)
      #expect(listed.items.map { $0["name"] } == [.string(name)])
    }
  }

  @Test("a Bucket is listed without its keys, and backed up")
  func buckets() async throws {
    try await FacadeBed.with("files") { bed in
      try await bed.makeDestination()
      try await bed.makeBucket("pictures")
      try await bed.eventuallyGet("/buckets") { $0.items.count == 1 }
      let made = try await bed.call("POST", "/buckets/pictures/backups", #"{"destination_id": "offsite"}"#).expect(202)
      #expect(made.data["bucket"] == "pictures" && made.data["method"] == "files")
      let listed = try await bed.call("GET", "/buckets/pictures/backups").expect(200)
      #expect(listed.items.count == 1)
      try await bed.call("POST", "/buckets/nothing/backups", #"{"destination_id": "offsite"}"#).expect(404)
      #expect(try await bed.call("POST", "/buckets/pictures/backups", "{}").expect(400).field("destination_id") != "")
    }
  }

  @Test("schedules of volumes and buckets name their target")
  func schedules() async throws {
    try await FacadeBed.with("files") { bed in
      try await bed.makeDestination()
      try await bed.makeWorkload("web")
      try await bed.makeBucket("pictures")
      let volumes = try await bed.call(
        "POST", "/backup-schedules",
        #"{"application_id": "web", "destination_id": "offsite", "cron_expression": "@daily", "retention_count": 7}"#
      ).expect(201)
      #expect(volumes.data["application"] == ["kind": "Deployment", "name": "web"])
      let objects = try await bed.call(
        "POST", "/backup-schedules",
        #"{"bucket_id": "pictures", "destination_id": "offsite", "cron_expression": "@daily"}"#
      ).expect(201)
      #expect(objects.data["bucket"] == "pictures")
    }
  }

  @Test("a volume backup is restored by its id: all of it, chosen paths, or into new claims; no other backup is")
  func restores() async throws {
    try await FacadeBed.with("files") { bed in
      try await bed.makeVolumeBackup("web-1", of: "web")
      try await bed.eventuallyGet("/backups/web-1") { $0.data["status"] == "Completed" }
      let whole = try await bed.call("POST", "/backups/volume/web-1/restore", "{}").expect(202)
      #expect(whole.data["kind"] == "restore")
      let chosen = try await bed.call(
        "POST", "/backups/volume/web-1/restore",
        #"{"paths": ["docs"], "new_claims": [{"claim": "data", "new_claim": "copy"}]}"#
      ).expect(202)
      let name = try #require(chosen.data["name"]?.text)
      let request = try await bed.client.get(RestoreRequest.self, ObjectKey(namespace: bed.namespace, name: name))
      #expect(request.spec.files?.paths == ["docs"])
      #expect(request.spec.files?.newClaims == [.init(claim: "data", newClaim: "copy")])
      let refused = try await bed.call("POST", "/backups/volume/web-1/restore", #"{"paths": ["../etc"]}"#).expect(400)
      #expect(!refused.field("paths").isEmpty)
      try await bed.makeBackup("shop-1", phase: .completed)
      try await bed.call("POST", "/backups/volume/shop-1/restore", "{}").expect(404)
      let clone = try await bed.call("POST", "/backups/volume/web-1/clone", #"{"new_name": "web2"}"#).expect(202)
      #expect(clone.data["source"]?["backup"] == "web-1")
    }
  }
}
