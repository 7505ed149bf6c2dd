import CPosix
import Foundation
public import Logging

/// Runs steps as processes of this machine, each in a folder of its own under the state directory.
///
/// A run's folder holds `input.json`, the secrets, `log`, `pid`, `lock`, `fingerprint` and, at the end, `result.json`.
/// The process inherits the lock (`flock`) from its runner, so that there is no moment at which it runs unlocked: a
/// held lock means at work, however the runner or the process came to its end. The processes are sessions of their
/// own: they outlive the controller, which finds them again by their folders.
public struct LocalStepRunner: StepRunner {
  private let root: String
  private let program: String
  private let stopBound: Duration
  private let logger: Logger

  /// Runs `program step …`, with folders below `stateDirectory`.
  ///
  /// A process that is asked to stop has `stopBound` to end before it is killed.
  public init(stateDirectory: String, program: String, stopBound: Duration = .seconds(20), logger: Logger) {
    root = "\(stateDirectory)/steps"
    self.program = program
    self.stopBound = stopBound
    self.logger = logger
  }

  public func start(_ request: StepRequest) async throws {
    let folder = folder(of: request.id)
    try StateDirectory.prepare(root, mode: 0o700)
    guard let lock = try RunLock.acquire("\(folder.path)/lock") else { return }
    defer { lock.close() }
    if case .some = try StepResult.read(from: folder.result) { return }
    try prepare(folder, for: request)
    let pid = try DetachedProcess.spawn(
      program: program,
      arguments: ["step", request.step.rawValue, "--input", folder.input, "--result", folder.result],
      output: folder.log, inheriting: lock.descriptor)
    try Data("\(pid)\n".utf8).write(to: URL(filePath: folder.pid), options: .atomic)
    logger.info(
      "step started", metadata: ["step": "\(request.step.rawValue)", "run": "\(request.id)", "pid": "\(pid)"])
  }

  public func state(of id: StepID) async throws -> StepState {
    let folder = folder(of: id)
    guard FileManager.default.fileExists(atPath: folder.input) else { return .absent }
    DetachedProcess.reap(pid: folder.readPID())
    if try RunLock.isHeld("\(folder.path)/lock") { return .running }
    if let result = try StepResult.read(from: folder.result) { return .ended(result) }
    return .lost(lastWords: folder.lastWords())
  }

  public func isCurrent(_ request: StepRequest) async throws -> Bool {
    let stored = try? String(contentsOfFile: folder(of: request.id).fingerprint, encoding: .utf8)
    return stored == request.fingerprint
  }

  public func stop(_ id: StepID) async throws {
    let folder = folder(of: id)
    let clock = ContinuousClock()
    let deadline = clock.now + stopBound
    var signal = SIGTERM
    while try RunLock.isHeld("\(folder.path)/lock") {
      // Only a process that holds the lock is signalled: its pid can't have passed to another.
      if let pid = folder.readPID() {
        if clock.now >= deadline { signal = SIGKILL }
        kill(pid, signal)
        DetachedProcess.reap(pid: pid)
      }
      try await Task.sleep(for: .milliseconds(50))
    }
  }

  public func discard(_ id: StepID) async throws {
    let folder = folder(of: id)
    guard FileManager.default.fileExists(atPath: folder.path) else { return }
    guard try !RunLock.isHeld("\(folder.path)/lock") else {
      throw StepError(
        code: .stillRunning, message: "step \(id) is at work; it can be discarded when it has ended or was stopped")
    }
    DetachedProcess.reap(pid: folder.readPID())
    try? FileManager.default.removeItem(atPath: folder.secrets)
    try FileManager.default.removeItem(atPath: folder.path)
  }

  public func path(of volume: StepVolume) throws -> String {
    guard let directory = volume.directory else {
      throw StepError(
        code: .volumeUnreachable,
        message: "claim \(volume.claim) is no directory of this machine: on the local platform its PersistentVolume "
          + "must have hostPath or local")
    }
    return directory
  }

  public func known() async throws -> [StepID] {
    let files = FileManager.default
    return try (files.existing(root)).flatMap { namespace in
      try files.existing("\(root)/\(namespace)").map { StepID(namespace: namespace, name: $0) }
    }
  }

  private func folder(of id: StepID) -> RunFolder { RunFolder(path: "\(root)/\(id.namespace)/\(id.name)") }

  /// Writes what the process reads. The caller holds the run's lock.
  private func prepare(_ folder: RunFolder, for request: StepRequest) throws {
    let files = FileManager.default
    let onlyOwner: [FileAttributeKey: Any] = [.posixPermissions: 0o700]
    try files.createDirectory(atPath: folder.secrets, withIntermediateDirectories: true, attributes: onlyOwner)
    for (name, bytes) in request.secrets {
      try PrivateFile.write(bytes, to: "\(folder.secrets)/\(name)")
    }
    try PrivateFile.write(Array(request.fingerprint.utf8), to: folder.fingerprint)
    try PrivateFile.write(request.input, to: folder.input)
  }
}

/// The files of one run.
struct RunFolder {
  let path: String

  var input: String { "\(path)/input.json" }
  var result: String { "\(path)/result.json" }
  var log: String { "\(path)/log" }
  var pid: String { "\(path)/pid" }
  var fingerprint: String { "\(path)/fingerprint" }
  var secrets: String { "\(path)/\(StepRequest.secretsFolder)" }

  func readPID() -> pid_t? {
    (try? String(contentsOfFile: pid, encoding: .utf8)).flatMap {
      pid_t($0.trimmingCharacters(in: .whitespacesAndNewlines))
    }
  }

  /// The last lines of the log, at most 1,000 bytes.
  func lastWords() -> String {
    guard let handle = FileHandle(forReadingAtPath: log) else { return "" }
    defer { try? handle.close() }
    let length = (try? handle.seekToEnd()) ?? 0
    try? handle.seek(toOffset: length > 1000 ? length - 1000 : 0)
    let tail = (try? handle.readToEnd()) ?? Data()
    return String(decoding: tail, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }
}

extension StepRequest {
  /// The folder, beside the input, that holds the secrets' files.
  public static let secretsFolder = "secrets"

  /// A digest of everything that the run depends on; it does not give the secrets away.
  var fingerprint: String {
    var parts: [[UInt8]] = [Array(step.rawValue.utf8), input]
    for (name, bytes) in secrets.sorted(by: { $0.key < $1.key }) { parts += [Array(name.utf8), bytes] }
    return Fingerprint.of(parts)
  }
}

extension FileManager {
  /// The names in a folder; none where the folder is not there.
  func existing(_ folder: String) throws -> [String] {
    fileExists(atPath: folder) ? try contentsOfDirectory(atPath: folder).sorted() : []
  }
}
