import KubeClient
import ObjectStore
import PostgresEngine
import Repository
import TidemarkAPI

/// What an error means for the step that met it.
package enum StepFailure {
  /// The result of a step that ended with `error`: worth another try, or not.
  package static func result(of error: any Error) -> StepResult {
    switch error {
    case let error as StepError: error.isWorthRetrying ? .tryAgain(error.failure) : .failed(error.failure)
    case let error as ObjectStoreError:
      result(error.isWorthRetrying, error.code.rawValue, error.message)
    case let error as PostgresError: result(error.isTransient, error.code.rawValue, error.description)
    case let error as WALError: .failed(FailureStatus(code: error.code.rawValue, message: error.message))
    case let error as RepositoryError:
      result(error.code == .locked || error.code == .lockLost, capitalized(error.code.rawValue), error.message)
    case let error as DumpRefusal:
      .failed(FailureStatus(code: StepError.Code.dumpRefused.rawValue, message: error.description))
    case let error as KubeError: .tryAgain(FailureStatus(code: error.code, message: error.description))
    case is CancellationError:
      .tryAgain(FailureStatus(code: "Cancelled", message: "the step was told to stop before it was done"))
    default: .failed(FailureStatus(code: "InternalError", message: "\(error)"))
    }
  }

  private static func result(_ isWorthAnotherTry: Bool, _ code: String, _ message: String) -> StepResult {
    let failure = FailureStatus(code: code, message: message)
    return isWorthAnotherTry ? .tryAgain(failure) : .failed(failure)
  }

  private static func capitalized(_ code: String) -> String { code.prefix(1).uppercased() + code.dropFirst() }
}
