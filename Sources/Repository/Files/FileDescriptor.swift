import Glibc

/// An open file or directory, closed when the last user lets go of it.
final class FileDescriptor: Sendable {
  let number: Int32

  /// Takes over `number`, which is open.
  init(_ number: Int32) { self.number = number }

  deinit { close(number) }
}
