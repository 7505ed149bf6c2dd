import Glibc

/// Starts this very program once more, in a session of its own, with nothing attached: it outlives the caller, and
/// nobody waits for it.
public enum DetachedProcess {
  /// Names the program where `/proc/self/exe` is the loader that runs it.
  public static let programVariable = "TIDEMARK_PROGRAM"

  /// Starts it with these arguments and the caller's environment.
  public static func start(arguments: [String]) throws {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    guard posix_spawn_file_actions_init(&actions) == 0, posix_spawnattr_init(&attributes) == 0 else {
      throw failure(errno)
    }
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    for descriptor in 0...2 as ClosedRange<CInt> {
      posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
    }
    // POSIX_SPAWN_SETSID of glibc's <spawn.h>, whose macro Swift does not see.
    posix_spawnattr_setflags(&attributes, 0x80)
    var argv: [UnsafeMutablePointer<CChar>?] = (["tidemark"] + arguments).map { strdup($0) } + [nil]
    defer { for pointer in argv { free(pointer) } }
    var process = pid_t()
    let program = getenv(programVariable).map { String(cString: $0) } ?? "/proc/self/exe"
    let result = posix_spawn(&process, program, &actions, &attributes, &argv, environ)
    guard result == 0 else { throw failure(result) }
  }

  private static func failure(_ code: CInt) -> WALError {
    WALError(.dataDirectoryInvalid, "cannot start another process: \(String(cString: strerror(code)))")
  }
}
