import CPosix
import Glibc

extension RepositoryError {
  /// The system call `call` on `path` failed with the error number `number`.
  static func fileSystem(_ call: String, _ path: ByteString, _ number: Int32 = errno) -> RepositoryError {
    RepositoryError(.fileSystem, "\(call) '\(path)': \(describe(errorNumber: number))")
  }
}

/// The system's sentence for an error number.
func describe(errorNumber: Int32) -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { text in
    guard let base = text.baseAddress else { return "error \(errorNumber)" }
    return String(cString: cposix_error_text(errorNumber, base, text.count))
  }
}

/// Runs `call` until a signal no longer interrupts it.
@inline(__always)
func uninterrupted<Result: SignedInteger>(_ call: () -> Result) -> Result {
  while true {
    let result = call()
    if result != -1 || errno != EINTR { return result }
  }
}
