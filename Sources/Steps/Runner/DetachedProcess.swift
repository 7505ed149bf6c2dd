import CPosix
import Foundation

/// A process that outlives the one that started it: a session of its own, with its output in a file.
///
/// swift-subprocess ends its children with the task that runs them, which is what a step must not.
enum DetachedProcess {
  /// Starts `program` with `descriptor` inherited as descriptor 3; returns its pid.
  ///
  /// Nothing else is inherited but the environment, and standard input is empty.
  static func spawn(
    program: String, arguments: [String], output: String, inheriting descriptor: Int32
  ) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    posix_spawn_file_actions_adddup2(&actions, descriptor, 3)

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var noSignals = sigset_t()
    sigemptyset(&noSignals)
    posix_spawnattr_setsigmask(&attributes, &noSignals)
    var allSignals = sigset_t()
    sigfillset(&allSignals)
    posix_spawnattr_setsigdefault(&attributes, &allSignals)
    posix_spawnattr_setflags(
      &attributes, Int16(setSession | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    var pid: pid_t = 0
    let argv: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for argument in argv { free(argument) } }
    let status = posix_spawn(&pid, program, &actions, &attributes, argv, environ)
    guard status == 0 else {
      throw StepError(
        code: .spawnFailed, message: "could not start \(program): \(String(cString: strerror(status)))")
    }
    return pid
  }

  /// glibc's `POSIX_SPAWN_SETSID` (`spawn.h`), which it shows to GNU sources only.
  private static let setSession: Int32 = 0x80

  /// Collects the process if it is a child of this one and has ended, so that it does not stay a zombie.
  static func reap(pid: pid_t?) {
    guard let pid, pid > 0 else { return }
    var status: Int32 = 0
    _ = waitpid(pid, &status, WNOHANG)
  }
}
