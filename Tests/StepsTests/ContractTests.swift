import Foundation
import KubeModel
import ObjectStore
import PostgresEngine
import Repository
import Steps
import TestSupport
import Testing
import TidemarkAPI

@Suite("What steps are told, and how they end")
struct ContractTests {
  private static func destination(
    _ provider: ObjectStoreProvider, _ change: (inout BackupDestinationSpec) -> Void
  ) -> BackupDestinationSpec {
    var spec = BackupDestinationSpec(
      provider: provider, bucket: "b", credentials: DestinationCredentials(secretName: "keys"))
    change(&spec)
    return spec
  }

  @Test("each provider's endpoint and region follow from what the user knows of it")
  func endpoints() throws {
    let table: [(BackupDestinationSpec, String, String)] = [
      (Self.destination(.s3) { $0.region = "eu-central-1" }, "https://s3.eu-central-1.amazonaws.com", "eu-central-1"),
      (
        Self.destination(.r2) { $0.accountId = "abc" }, "https://abc.r2.cloudflarestorage.com", "auto"
      ),
      (
        Self.destination(.r2) { ($0.accountId, $0.jurisdiction) = ("abc", "eu") },
        "https://abc.eu.r2.cloudflarestorage.com", "auto"
      ),
      (
        Self.destination(.backblaze) { $0.region = "us-west-004" }, "https://s3.us-west-004.backblazeb2.com",
        "us-west-004"
      ),
      (Self.destination(.minio) { $0.endpoint = "http://minio:9000/" }, "http://minio:9000", "us-east-1"),
      (
        Self.destination(.custom) { ($0.endpoint, $0.region) = ("https://s3.example.org", "here") },
        "https://s3.example.org", "here"
      ),
    ]
    for (spec, url, region) in table {
      let endpoint = try DestinationEndpoint.resolve(spec)
      #expect(endpoint.url == url && endpoint.region == region)
    }
  }

  @Test("a provider that lacks what it needs is an error that names the field")
  func missingFields() {
    let table: [(ObjectStoreProvider, String)] = [
      (.s3, "region"), (.r2, "accountId"), (.backblaze, "region"), (.minio, "endpoint"), (.custom, "endpoint"),
    ]
    for (provider, field) in table {
      let error = #expect(throws: StepError.self) {
        try DestinationEndpoint.resolve(Self.destination(provider) { _ in })
      }
      #expect(error?.code == .invalidInput && error?.message.contains("'\(field)'") == true)
    }
  }

  @Test("a result read back is the one that was written, and its exit code tells how it ended")
  func results() async throws {
    let failure = FailureStatus(code: "Timeout", message: "the store stood still")
    let table: [(StepResult, StepExitCode)] = [
      (.done(.nothing), .done), (.failed(failure), .failed), (.tryAgain(failure), .tryAgain),
    ]
    try await ScratchDirectory.with { scratch in
      #expect(try StepResult.read(from: scratch.file("absent")) == nil)
      for (result, code) in table {
        try result.write(to: scratch.file("result.json"))
        #expect(try StepResult.read(from: scratch.file("result.json")) == result)
        #expect(result.exitCode == code)
      }
      try "{".write(toFile: scratch.file("torn"), atomically: true, encoding: .utf8)
      #expect(throws: (any Error).self) { try StepResult.read(from: scratch.file("torn")) }
    }
  }

  private struct Unforeseen: Error {}

  @Test("what may pass by itself is tried again; what a person must mend is not")
  func failures() {
    func code(_ result: StepResult) -> String {
      switch result {
      case .done: "done"
      case .failed(let failure): "failed \(failure.code)"
      case .tryAgain(let failure): "again \(failure.code)"
      }
    }
    func store(_ code: ObjectStoreError.Code) -> ObjectStoreError {
      ObjectStoreError(code, operation: "put", message: "m")
    }
    let table: [(any Error, String)] = [
      (store(.timeout), "again Timeout"), (store(.endpointUnreachable), "again EndpointUnreachable"),
      (store(.throttled), "again Throttled"), (store(.accessDenied), "failed AccessDenied"),
      (store(.credentialsInvalid), "failed CredentialsInvalid"), (store(.bucketNotFound), "failed BucketNotFound"),
      (PostgresError(.unreachable, "m"), "again ServerUnreachable"),
      (PostgresError(.authenticationFailed, "m"), "failed AuthenticationFailed"),
      (RepositoryError(.locked, "m"), "again Locked"), (RepositoryError(.lockLost, "m"), "again LockLost"),
      (RepositoryError(.corrupted, "m"), "failed Corrupted"),
      (CancellationError(), "again Cancelled"),
      (StepError(code: .invalidInput, message: "m"), "failed InvalidInput"), (Unforeseen(), "failed InternalError"),
    ]
    for (error, expected) in table { #expect(code(StepFailure.result(of: error)) == expected) }
  }

  @Test("a private file has mode 0600 from its first byte on, and replaces an open one whole")
  func privateFile() async throws {
    try await ScratchDirectory.with { scratch in
      let path = scratch.file("secret")
      try "older and longer".write(toFile: path, atomically: true, encoding: .utf8)
      try PrivateFile.write(Array("new".utf8), to: path)
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "new")
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
      #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["secret"])
    }
  }

  @Test("an instance's options reach the server through a shell as they are, whatever the folder is called")
  func quoting() async throws {
    let folder = InstanceFolder(path: "/srv/it's a \"$(touch x)\" `y`", stateRoot: "/srv")
    let shell = try await RunningProgram.run(
      "/bin/sh", ["-c", "for option in \(folder.serverOptions(port: 5433)); do echo \"$option\"; done"])
    let options = shell.output.split(separator: "\n").map(String.init)
    #expect(options.contains("port=5433") && options.contains("listen_addresses=127.0.0.1"))
    #expect(options.contains("hba_file=/srv/it's a \"$(touch x)\" `y`/pg_hba.conf"))
  }

  @Test("a socket's path stays below the 107 bytes that the system takes")
  func socketPath() {
    let deep = InstanceFolder(path: "/" + String(repeating: "deep/", count: 40), stateRoot: "/")
    #expect("\(deep.socketDirectory)/.s.PGSQL.65535.lock".utf8.count <= 107)
    let other = InstanceFolder(path: "/" + String(repeating: "deep/", count: 41), stateRoot: "/")
    #expect(deep.socketDirectory != other.socketDirectory)
  }

  @Test("a segment that is still being uploaded is no gap; one that is missing below what is durable is")
  func gaps() {
    let (end, later) = (LSN(0x300_0000), LSN(0x400_0000))
    #expect(!GapSight.isLoss(.segmentMissing, before: later, durable: end))
    #expect(!GapSight.isLoss(.segmentMissing, before: later, durable: nil))
    #expect(GapSight.isLoss(.segmentMissing, before: end, durable: later))
    #expect(GapSight.isLoss(.segmentMissing, before: end, durable: end))
    for reason in [WALGap.Reason.slotMissing, .slotInvalidated, .walRemoved, .timelineUnrelated] {
      #expect(GapSight.isLoss(reason, before: later, durable: nil))
    }
  }
}
