import Foundation
import Glibc

/// How a program is to be started. Its standard input is empty, its outputs go to files, no other descriptor of
/// ours reaches it, and signals are as a shell would have them.
struct Spawn {
  enum Session {
    case shared
    case own
  }

  var executable: String
  var arguments: [String]
  var environment: [String: String] = [:]
  var directory: String?
  var session = Session.shared
  var output: String
  var errors: String

  /// Starts it; the answer is its process id. Somebody must wait for it.
  func start() throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    let append = O_WRONLY | O_CREAT | O_APPEND
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, append, 0o644)
    posix_spawn_file_actions_addopen(&actions, 2, errors, append, 0o644)

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var noSignals = sigset_t()
    var allSignals = sigset_t()
    sigemptyset(&noSignals)
    sigfillset(&allSignals)
    posix_spawnattr_setsigmask(&attributes, &noSignals)
    posix_spawnattr_setsigdefault(&attributes, &allSignals)
    var flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
    if session == .own { flags |= 0x80 }  // POSIX_SPAWN_SETSID, which is a macro behind _GNU_SOURCE
    posix_spawnattr_setflags(&attributes, Int16(flags))

    var merged = ProcessInfo.processInfo.environment
    merged.merge(environment) { _, ours in ours }
    var pid: pid_t = 0
    Self.closeOnExec()
    // Glibc's chdir for spawned programs hides behind _GNU_SOURCE, which Swift does not see: `env` does it.
    let command = (directory.map { ["env", "-C", $0] } ?? []) + [executable] + arguments
    let code = withCStrings(command) { argv in
      withCStrings(merged.map { "\($0.key)=\($0.value)" }) { environment in
        posix_spawnp(&pid, command[0], &actions, &attributes, argv, environment)
      }
    }
    guard code == 0 else { throw TestSupportError.system("starting \(executable)", code) }
    return pid
  }

  /// Descriptors that somebody in this process opened without O_CLOEXEC: a server that inherited one would keep
  /// a peer's connection or a reader's pipe open.
  private static func closeOnExec() {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? [] {
      if let descriptor = Int32(name), descriptor > 2 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    }
  }

  private func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
  ) -> Result {
    let pointers = strings.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return body(pointers)
  }
}

/// What tells a process from a later one with the same number: see `hack/lib.sh`.
enum ProcessIdentity {
  /// Field 22 of `/proc/PID/stat`: clock ticks between boot and the start of the process.
  static func startTime(of pid: pid_t) throws -> String {
    let stat = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
    // The second field, the program's name, may hold anything; the last parenthesis ends it.
    let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
    guard fields.count > 20 else { throw TestSupportError("/proc/\(pid)/stat has too few fields") }
    return String(fields[20])
  }

  /// A line for a pid file as `hack/lib.sh` reads them.
  static func pidFileLine(of pid: pid_t) throws -> String {
    let boot = try String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
    return "\(pid) \(try startTime(of: pid)) \(boot)"
  }
}
