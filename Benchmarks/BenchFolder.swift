import Glibc

/// A folder for what a benchmark makes, gone when it is over.
struct BenchFolder {
  private let root: String

  init() throws {
    var template = Array("/var/tmp/tidemark-bench-XXXXXX".utf8CString)
    guard let path = template.withUnsafeMutableBufferPointer({ $0.baseAddress.flatMap { mkdtemp($0) } }) else {
      throw BenchError("no folder can be made in /var/tmp: error \(errno)")
    }
    root = String(cString: path)
    for name in ["cache", "temporary"] { try makeDirectories(self.path(name)) }
  }

  func path(_ name: String) -> String { "\(root)/\(name)" }

  /// Removes what is below `name`, and `name`.
  func empty(_ name: String) throws { try run(["rm", "-rf", path(name)]) }

  func remove() {
    do {
      try run(["rm", "-rf", root])
    } catch {
      say("\(root) is left behind: \(error)")
    }
  }
}

func makeDirectories(_ path: String) throws { try run(["mkdir", "-p", path]) }

/// Runs a program, and waits for its end.
func run(_ arguments: [String]) throws {
  var child: pid_t = 0
  var pointers = arguments.map { strdup($0) } + [nil]
  defer { for pointer in pointers { free(pointer) } }
  guard posix_spawnp(&child, arguments[0], nil, nil, &pointers, environ) == 0 else {
    throw BenchError("'\(arguments[0])' does not start")
  }
  var status: Int32 = 0
  while waitpid(child, &status, 0) < 0 { guard errno == EINTR else { break } }
  guard status == 0 else { throw BenchError("'\(arguments.joined(separator: " "))' failed with status \(status)") }
}
