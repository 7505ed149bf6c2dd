import Foundation
import TestSupport
import Testing

@Suite("Volumes and buckets")
struct FilesTests {
  @Test("a bucket is backed up, harmed and restored, and its snapshot goes with its Backup")
  func bucket() async throws {
    try await Bed.with("bucket") { bed in
      try await bed.applyDestination()
      let source = try await bed.s3.makeBucket("pictures")
      try await bed.put("first", to: "a/one.txt", in: source)
      try await bed.put("second", to: "a/two.txt", in: source)
      try await bed.applyBucket("pictures", source)
      try await bed.ready("bucket/pictures", seconds: 60)
      try await bed.applyFilesBackup("nightly", target: "bucket: pictures")
      try await bed.ready("backup/nightly")
      #expect(try await bed.field("backup/nightly", ".status.snapshots[0].files") == "2")
      #expect(try await bed.reason("backup/nightly", "Consistent") == "Consistent")
      try await bed.eventuallyField("bucket/pictures", ".status.lastBackup") { $0 == "nightly" }

      try await bed.put("harmed", to: "a/one.txt", in: source)
      try await bed.put("new", to: "b", in: source)
      try await bed.applyFilesRestore("undo", of: "nightly")
      try await bed.ready("restorerequest/undo")
      #expect(try await bed.s3.curl("/\(source)/a/one.txt") == "first")
      #expect(try await bed.s3.curl("/\(source)/b") == "new")
      #expect(try await bed.field("restorerequest/undo", ".status.files.written") == "1")
      try await bed.applyFilesRestore("exactly", of: "nightly", "  files: { deleteOthers: true }")
      try await bed.ready("restorerequest/exactly")
      #expect(try await bed.field("restorerequest/exactly", ".status.files.deleted") == "1")

      try await bed.kubectl("delete", "backup/nightly", "--timeout=90s")
      #expect(try await bed.snapshotKeys("buckets/\(bed.namespace)/pictures").isEmpty)
    }
  }

  @Test(
    "an application's volumes are backed up, harmed and restored, scaled down meanwhile, and its replicas come back")
  func volumes() async throws {
    try await Bed.with("volumes") { bed in
      try await bed.applyDestination()
      try await bed.applyApplication("web", claims: ["data", "logs"])
      try bed.write("precious", to: "data/file.txt")
      try bed.write("line", to: "logs/app.log")
      try await bed.applyFilesBackup("nightly", target: "application: { kind: Deployment, name: web }")
      try await bed.ready("backup/nightly")
      #expect(try await bed.field("backup/nightly", ".status.snapshots[*].claim") == "data logs")

      try bed.write("harmed", to: "data/file.txt")
      try bed.write("new", to: "data/new.txt")
      try await bed.applyFilesRestore("undo", of: "nightly")
      try await bed.ready("restorerequest/undo")
      #expect(try bed.read("data/file.txt") == "precious")
      #expect(throws: (any Error).self) { try bed.read("data/new.txt") }
      try await bed.eventuallyField("deployment/web", ".spec.replicas") { $0 == "2" }
      #expect(try await bed.field("deployment/web", ".metadata.annotations.tidemark\\.dev/replicas").isEmpty)
      let events = try await bed.kubectl("get", "events", "-o", "jsonpath={.items[*].reason}")
      #expect(events.contains("Scaling"))

      try await bed.kubectl("delete", "backup/nightly", "--timeout=90s")
      #expect(try await bed.snapshotKeys("applications/\(bed.namespace)/deployment/web").isEmpty)
      try await bed.removeVolumes(of: ["data", "logs"])
    }
  }

  @Test("a volume is restored into a new claim beside the running application; only chosen paths where asked")
  func newClaim() async throws {
    try await Bed.with("newclaim") { bed in
      try await bed.applyDestination()
      try await bed.applyApplication("web", claims: ["data"])
      try await bed.applyClaim("copy")
      try bed.write("precious", to: "data/docs/file.txt")
      try bed.write("other", to: "data/other.txt")
      try await bed.applyFilesBackup(
        "nightly", target: "application: { kind: Deployment, name: web }", "  volumes: { exclude: [\"*.tmp\"] }")
      try await bed.ready("backup/nightly")
      try await bed.applyFilesRestore(
        "beside", of: "nightly", "  files: { newClaims: [{ claim: data, newClaim: copy }], paths: [docs] }")
      try await bed.ready("restorerequest/beside")
      #expect(try bed.read("copy/docs/file.txt") == "precious")
      #expect(throws: (any Error).self) { try bed.read("copy/other.txt") }
      #expect(try await bed.field("deployment/web", ".spec.replicas") == "2")
      try await bed.removeVolumes(of: ["data", "copy"])
    }
  }

  @Test("a volume backup becomes a new workload with claims of its own, and nothing of the original is touched")
  func copy() async throws {
    try await Bed.with("copy") { bed in
      try await bed.applyDestination()
      try await bed.applyApplication("web", claims: ["data"])
      try await bed.applyClaim("web2-data")
      try bed.write("precious", to: "data/file.txt")
      try await bed.applyFilesBackup("nightly", target: "application: { kind: Deployment, name: web }")
      try await bed.ready("backup/nightly")
      let before = try await bed.field("deployment/web", ".spec")
      try await bed.applyFilesRestore("second", of: "nightly", "  files: { newName: web2 }")
      try await bed.ready("restorerequest/second")
      #expect(try bed.read("web2-data/file.txt") == "precious")
      #expect(
        try await bed.field("deployment/web2", ".spec.template.spec.volumes[0].persistentVolumeClaim.claimName")
          == "web2-data")
      #expect(try await bed.field("deployment/web2", ".spec.selector.matchLabels.app") == "web2")
      #expect(try await bed.field("deployment/web2", ".spec.replicas") == "2")
      #expect(try await bed.field("deployment/web", ".spec") == before)
      try await bed.removeVolumes(of: ["data", "web2-data"])
    }
  }

  @Test("a new cluster finds what an old one stored of volumes and buckets")
  func discovery() async throws {
    try await Bed.with("found") { bed in
      try await bed.applyDestination()
      let source = try await bed.s3.makeBucket("pictures")
      try await bed.put("first", to: "one.txt", in: source)
      try await bed.applyBucket("pictures", source)
      try await bed.applyApplication("web", claims: ["data", "logs"])
      try bed.write("precious", to: "data/file.txt")
      try await bed.applyFilesBackup("bucket", target: "bucket: pictures", "  deletionPolicy: Retain")
      try await bed.applyFilesBackup(
        "volumes", target: "application: { kind: Deployment, name: web }", "  deletionPolicy: Retain")
      try await bed.ready("backup/bucket")
      try await bed.ready("backup/volumes")
      try await bed.kubectl("delete", "backup", "--all", "--timeout=90s")
      try await bed.kubectl("delete", "backupdestination/store", "--timeout=90s")
      try await bed.applyDestination()
      let found = try await eventually(within: .seconds(90), "both are shown") {
        let names = try await bed.kubectl(
          "get", "backups", "-l", "tidemark.dev/origin=Discovered", "-o", "name"
        ).split(separator: "\n").map(String.init)
        return names.count == 2 ? names : nil
      }
      let volumes = try #require(found.first { $0.contains("/web-") })
      try await bed.ready(volumes)
      #expect(try await bed.field(volumes, ".status.snapshots[*].claim") == "data logs")
      try bed.write("harmed", to: "data/file.txt")
      try await bed.applyFilesRestore("undo", of: String(volumes.split(separator: "/")[1]))
      try await bed.ready("restorerequest/undo")
      #expect(try bed.read("data/file.txt") == "precious")
      try await bed.removeVolumes(of: ["data", "logs"])
    }
  }
}
