import CPosix
import Foundation
public import TidemarkAPI

/// Why a step, its runner or an instance's host could not do what was asked.
public struct StepError: Error, Sendable, CustomStringConvertible {
  /// The stable word of an error.
  public enum Code: String, Sendable {
    /// The input can't be read, or does not fit the step.
    case invalidInput = "InvalidInput"
    /// A file that holds a secret is missing or empty.
    case secretMissing = "SecretMissing"
    /// The run is at work, and what was asked needs it to have ended.
    case stillRunning = "StillRunning"
    /// Kubernetes refused what the run is made of.
    case platformRefused = "PlatformRefused"
    /// The process could not be started.
    case spawnFailed = "SpawnFailed"
    /// The operating system refused.
    case system = "SystemError"
    /// A PostgreSQL program is missing, or of another major version than needed.
    case postgresProgramMissing = "PostgresProgramMissing"
    /// An instance did not start.
    case instanceFailed = "InstanceFailed"
    /// A dump holds what must not be loaded, or is none.
    case dumpRefused = "DumpRefused"
    /// A dump was cut short or changed.
    case dumpDamaged = "DumpDamaged"
    /// PostgreSQL refused a part of a dump.
    case loadFailed = "LoadFailed"
    /// PostgreSQL refused to dump.
    case dumpFailed = "DumpFailed"
    /// The role may not do what loading or dumping needs.
    case roleNotPermitted = "RoleNotPermitted"
    /// Sessions or prepared transactions did not leave a database.
    case databaseInUse = "DatabaseInUse"
    /// A program that the step ran was killed.
    case programKilled = "ProgramKilled"
    /// A volume is not there, or the platform can't reach it.
    case volumeUnreachable = "VolumeUnreachable"
    /// Something could not be read or restored as a whole.
    case incomplete = "Incomplete"
  }

  /// The stable word.
  public var code: Code
  /// What was wrong, what is expected, what to do next.
  public var message: String

  /// This code and message.
  public init(code: Code, message: String) { (self.code, self.message) = (code, message) }

  public var description: String { "\(code.rawValue): \(message)" }

  /// Whether the same thing may succeed a little later, with nobody changing anything.
  var isWorthRetrying: Bool { code == .databaseInUse || code == .programKilled }

  /// The same, as it stands in a status.
  public var failure: FailureStatus { FailureStatus(code: code.rawValue, message: message) }

  /// The operating system refused `operation` on `path`; reads `errno`.
  static func system(_ operation: String, _ path: String) -> StepError {
    let reason = String(cString: strerror(errno))
    return StepError(code: .system, message: "could not \(operation) \(path): \(reason)")
  }
}
