internal import Glibc

/// A system call that failed.
struct SystemError: Error {
  let number: CInt

  /// What the system says about it.
  var explanation: String { String(cString: strerror(number)) }

  /// The error in the words of an object store.
  func described(_ operation: String, _ key: String?, _ path: String) -> ObjectStoreError {
    let (code, advice): (ObjectStoreError.Code, String) =
      switch number {
      case ENOENT: (.notFound, "there is no such object")
      case EEXIST: (.alreadyExists, "another object is there")
      case EACCES, EPERM, EROFS: (.accessDenied, "let this user read and write below it")
      case ENOSPC, EDQUOT: (.server, "free some space")
      case ENAMETOOLONG: (.invalidRequest, "the path is too long for this file system")
      default: (.server, "look at the file system and its disk")
      }
    return ObjectStoreError(code, operation: operation, key: key, message: "'\(path)': \(explanation); \(advice)")
  }

  /// Runs `body` and puts its system errors in the words of an object store.
  static func during<R>(_ operation: String, _ key: String?, _ path: String, _ body: () throws -> R) throws -> R {
    do {
      return try body()
    } catch let error as SystemError {
      throw error.described(operation, key, path)
    }
  }
}

/// Throws what a system call that answered `result` failed of, unless it is one of `allowed`.
@discardableResult
func check<I: BinaryInteger>(_ result: I, allowing allowed: CInt...) throws -> I {
  if result >= 0 { return result }
  let error = SystemError(number: errno)
  if allowed.contains(error.number) { return result }
  throw error
}

/// Makes a system call again for as long as a signal interrupts it.
func uninterrupted(_ call: () -> Int) throws -> Int {
  while true {
    let result = call()
    if result < 0 && errno == EINTR { continue }
    return try check(result)
  }
}
