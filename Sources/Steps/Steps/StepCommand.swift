import CPosix
import Foundation
public import Logging
import TidemarkAPI

/// `tidemark step NAME --input FILE [--result FILE] [--termination-message FILE]`: runs one step and says how it ended.
public struct StepCommand: Sendable {
  private let step: StepName
  private let input: String
  private let result: String?
  private let terminationMessage: String?
  private let logger: Logger

  /// The step `step` with the input file `input`; its result goes to the file `result`, and to the termination message
  /// of the pod that this runs in, where these are named.
  public init(
    _ step: StepName, input: String, result: String?, terminationMessage: String? = nil, logger: Logger
  ) {
    (self.step, self.input, self.result, self.logger) = (step, input, result, logger)
    self.terminationMessage = terminationMessage
  }

  /// Runs the step and writes its result. Cancellation ends it: `wal-receive` is then done, others are to be tried
  /// again. Throws only where the result can't be written.
  public func run() async throws -> StepExitCode {
    // The lock that a local runner had this process inherit must not pass on to programs that the step runs.
    _ = fcntl(3, F_SETFD, FD_CLOEXEC)
    let ended = await outcome()
    switch ended {
    case .done: logger.info("step done", metadata: ["step": "\(step.rawValue)"])
    case .failed(let failure), .tryAgain(let failure):
      logger.error(
        "step failed",
        metadata: ["step": "\(step.rawValue)", "code": "\(failure.code)", "message": "\(failure.message)"])
    }
    if let result { try ended.write(to: result) }
    if let terminationMessage { try ended.leave(inTerminationMessage: terminationMessage) }
    return ended.exitCode
  }

  private func outcome() async -> StepResult {
    do {
      return .done(try await product())
    } catch {
      return StepFailure.result(of: error)
    }
  }

  private func product() async throws -> StepProduct {
    let folder = StepFolder(ofInput: input)
    switch step {
    case .baseBackup:
      return try await BaseBackupStep(
        input: try StepFolder.read(BaseBackupInput.self, from: input), folder: folder, logger: logger
      ).run()
    case .walReceive:
      return try await WALReceiveStep(
        input: try StepFolder.read(WALReceiveInput.self, from: input), folder: folder, logger: logger
      ).run()
    case .restoreDatabase:
      return try await RestoreDatabaseStep(
        input: try StepFolder.read(RestoreDatabaseInput.self, from: input), folder: folder, logger: logger
      ).run()
    case .dump:
      return try await DumpStep(
        input: try StepFolder.read(DumpInput.self, from: input), folder: folder, logger: logger
      ).run()
    case .importDump:
      return try await ImportStep(
        input: try StepFolder.read(ImportInput.self, from: input), folder: folder, logger: logger
      ).run()
    case .bucketBackup:
      return try await BucketBackupStep(
        input: try StepFolder.read(BucketBackupInput.self, from: input), folder: folder, logger: logger
      ).run()
    case .bucketRestore:
      return try await BucketRestoreStep(
        input: try StepFolder.read(BucketRestoreInput.self, from: input), folder: folder, logger: logger
      ).run()
    case .volumeBackup:
      return try await VolumeBackupStep(
        input: try StepFolder.read(VolumeBackupInput.self, from: input), folder: folder, logger: logger
      ).run()
    case .volumeRestore:
      return try await VolumeRestoreStep(
        input: try StepFolder.read(VolumeRestoreInput.self, from: input), folder: folder, logger: logger
      ).run()
    case .forget:
      return try await ForgetStep(
        input: try StepFolder.read(ForgetInput.self, from: input), folder: folder, logger: logger
      ).run()
    case .discover:
      return try await DiscoverStep(
        input: try StepFolder.read(DiscoverInput.self, from: input), folder: folder, logger: logger
      ).run()
    }
  }
}
