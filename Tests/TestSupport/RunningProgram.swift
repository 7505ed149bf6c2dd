import Foundation
import Glibc
import Synchronization

/// A program that a test runs beside itself: to be served by it, to read what it prints, or to kill it.
///
/// It is killed when the test process ends, however that ends.
public final class RunningProgram: Sendable {
  /// How a program ended.
  public enum Ending: Sendable, Equatable {
    case exited(Int32)
    case signalled(Int32)
  }

  /// How it ended, and what it used of the machine.
  public struct Outcome: Sendable {
    /// Its exit code or signal.
    public let ending: Ending
    /// User and system time of it and of the children that it waited for, in seconds.
    public let cpuSeconds: Double
    /// The largest resident set, in bytes, of it or of a child that it waited for; not below what this process held
    /// when it was started, see `ProgramFigures`.
    public let peakMemory: Int64
    /// From start to end.
    public let elapsed: Duration
    /// All that it wrote to standard output.
    public let output: String
    /// All that it wrote to standard error.
    public let errors: String
  }

  private struct Ended {
    var ending: Ending
    var cpuSeconds: Double
    var peakMemory: Int64
    var elapsed: Duration
  }

  /// The name of the program, for messages.
  public let name: String
  /// The process id; it stays ours until the program was waited for.
  public let processID: Int32
  /// The file with its standard output.
  public let outputFile: String
  /// The file with its standard error.
  public let errorFile: String

  private let pidFile: String
  private let ended = Mutex<Ended?>(nil)

  private init(name: String, processID: Int32, outputFile: String, errorFile: String, pidFile: String) {
    self.name = name
    self.processID = processID
    self.outputFile = outputFile
    self.errorFile = errorFile
    self.pidFile = pidFile
  }

  /// Starts `executable` (a path, or a name to look up in `PATH`). `environment` is added to our own.
  public static func start(
    _ executable: String, _ arguments: [String] = [], environment: [String: String] = [:], directory: String? = nil
  ) throws -> RunningProgram {
    let name = executable.split(separator: "/").last.map(String.init) ?? executable
    let root = try ProcessScratch.shared.path()
    let unique = "\(name)-\(ProcessScratch.shared.nextNumber())"
    let outputFile = "\(root)/run/\(unique).out"
    let errorFile = "\(root)/run/\(unique).err"
    let started = ContinuousClock.now
    let pid = try Spawn(
      executable: executable, arguments: arguments, environment: environment, directory: directory,
      output: outputFile, errors: errorFile
    ).start()
    let program = RunningProgram(
      name: name, processID: pid, outputFile: outputFile, errorFile: errorFile,
      pidFile: "\(root)/run/\(unique).pid")
    try ProcessIdentity.pidFileLine(of: pid).write(toFile: program.pidFile, atomically: true, encoding: .utf8)
    Thread.detachNewThread { program.reap(startedAt: started) }
    return program
  }

  /// Standard output so far.
  public var output: String { Self.text(of: outputFile) }

  /// Standard error so far.
  public var errors: String { Self.text(of: errorFile) }

  /// Whether it has not ended yet.
  public var isRunning: Bool { ended.withLock { $0 == nil } }

  /// Sends a signal; nothing happens when it has ended already.
  public func signal(_ number: Int32) {
    ended.withLock { ended in
      if ended == nil { _ = Glibc.kill(processID, number) }
    }
  }

  /// SIGKILL, and waits until it is gone.
  @discardableResult
  public func kill() async throws -> Outcome {
    signal(SIGKILL)
    return try await wait(within: .seconds(30))
  }

  /// Waits for the end; an error when it does not come in time (the program then still runs).
  @discardableResult
  public func wait(within bound: Duration) async throws -> Outcome {
    try await eventually(within: bound, every: .milliseconds(5), "\(name) (process \(processID)) ends") {
      !isRunning
    }
    guard let ended = ended.withLock({ $0 }) else { throw TestSupportError("\(name) ended and did not end") }
    return Outcome(
      ending: ended.ending, cpuSeconds: ended.cpuSeconds, peakMemory: ended.peakMemory, elapsed: ended.elapsed,
      output: output, errors: errors)
  }

  /// Waits for a line of standard output or standard error that has `text` in it, and gives that line.
  @discardableResult
  public func line(containing text: String, within bound: Duration) async throws -> String {
    try await eventually(within: bound, every: .milliseconds(10), "\(name) prints '\(text)'") {
      let wasRunning = isRunning
      for part in [output, errors] {
        for line in part.split(whereSeparator: \.isNewline) where line.contains(text) { return String(line) }
      }
      if !wasRunning { throw TestSupportError("\(name) ended without printing '\(text)': \(errors.suffix(2000))") }
      return nil
    }
  }

  /// Runs it to its end. An exit code other than 0 is an error that carries what it wrote.
  @discardableResult
  public static func run(
    _ executable: String, _ arguments: [String] = [], environment: [String: String] = [:], directory: String? = nil,
    within bound: Duration = .seconds(600)
  ) async throws -> Outcome {
    let program = try start(executable, arguments, environment: environment, directory: directory)
    let outcome: Outcome
    do {
      outcome = try await program.wait(within: bound)
    } catch {
      program.signal(SIGKILL)
      throw error
    }
    guard outcome.ending == .exited(0) else {
      throw TestSupportError(
        "\(program.name) \(arguments.joined(separator: " ")): \(outcome.ending)\n"
          + "\(outcome.output.suffix(4000))\(outcome.errors.suffix(4000))")
    }
    program.removeFiles()
    return outcome
  }

  private func removeFiles() {
    unlink(outputFile)
    unlink(errorFile)
  }

  /// Runs on a thread of its own, as waiting blocks.
  private func reap(startedAt started: ContinuousClock.Instant) {
    // First only look (WNOWAIT): until it is reaped under the lock, the process id stays ours, and `signal` safe.
    var information = siginfo_t()
    while waitid(P_PID, id_t(processID), &information, WEXITED | WNOWAIT) != 0 && errno == EINTR {}
    let elapsed = started.duration(to: .now)
    ended.withLock { ended in
      var status: Int32 = 0
      var usage = rusage()
      while wait4(processID, &status, 0, &usage) < 0 && errno == EINTR {}
      ended = Ended(
        ending: status & 0x7f == 0 ? .exited((status >> 8) & 0xff) : .signalled(status & 0x7f),
        cpuSeconds: Self.seconds(usage.ru_utime) + Self.seconds(usage.ru_stime),
        peakMemory: Int64(usage.ru_maxrss) * 1024, elapsed: elapsed)
    }
    unlink(pidFile)
  }

  private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }

  private static func text(of file: String) -> String {
    guard let data = FileManager.default.contents(atPath: file) else { return "" }
    return String(decoding: data, as: UTF8.self)
  }
}
