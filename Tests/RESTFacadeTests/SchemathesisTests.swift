import Foundation
import KubeModel
import RESTFacade
import TestSupport
import Testing
import TidemarkAPI

/// schemathesis (PyPI) calls every operation of the document with what fits it and with what does not, and checks what
/// comes back against it. `hack/install test` installs it.
@Suite("schemathesis finds nothing")
struct SchemathesisTests {
  @Test("all checks, on a facade with things in it", .timeLimit(.minutes(5)))
  func all() async throws {
    struct Accepting: DestinationValidator {
      func validate(_ spec: BackupDestinationSpec, _ secrets: DestinationSecrets) async throws -> DestinationVerdict {
        .valid(milliseconds: 41)
      }
    }
    let platform = FacadePlatform(validator: Accepting(), uploads: KeptUploads())
    try await FacadeBed.with("schemathesis", platform: platform) { bed in
      try await bed.makeDatabase(window: FacadeBed.window)
      try await bed.makeDestination("s3-backups")
      try await bed.makeWorkload("web")
      try await bed.makeBucket("assets")
      try await bed.makeVolumeBackup("web-1", of: "web")
      for phase in BackupPhase.allCases { try await bed.makeBackup("b-\(phase.rawValue.lowercased())", phase: phase) }
      for phase in RestorePhase.allCases {
        try await bed.makeRestore("r-\(phase.rawValue.lowercased())", phase: phase, database: "other")
      }
      let outcome = try await Self.run(bed)
      #expect(outcome.ending == .exited(0), "\(outcome.output.suffix(12_000))\n\(outcome.errors.suffix(2000))")
      // Warnings tell of ids that were made up; every call that was made has to have passed.
      #expect(outcome.output.contains(/([0-9]+) generated, \1 passed/), "\(outcome.output.suffix(3000))")
      let told = bed.log.text
      #expect(!told.contains(bed.kube.token) && !told.contains(FacadeBed.secretKey))
    }
  }

  private static func run(_ bed: FacadeBed) async throws -> RunningProgram.Outcome {
    let environment = ProcessInfo.processInfo.environment
    let cache = environment["XDG_CACHE_HOME"] ?? "\(environment["HOME"] ?? "/root")/.cache"
    let packages = "\(cache)/tidemark/python"
    let program = try RunningProgram.start(
      "python3",
      [
        "\(packages)/bin/schemathesis", "--config-file", FacadeBed.checkout("Tests/Scripts/schemathesis.toml"), "run",
        "http://127.0.0.1:\(bed.port())/openapi.json", "--header",
        "Authorization: Bearer \(bed.kube.token)", "--checks", "all", "--seed", "20260131", "--max-examples", "20",
        "--generation-deterministic", "--request-timeout", "10", "--no-color",
        // One: beside another thread's, Python's ast.parse ends now and then with a SystemError (python/cpython#106905).
        "--workers", "1", "--continue-on-failure",
      ],
      environment: [
        "PYTHONPATH": "\(packages):\(FacadeBed.checkout("Tests/Scripts"))", "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
        "PYTHONDONTWRITEBYTECODE": "1",
      ])
    return try await program.wait(within: .seconds(280))
  }
}
