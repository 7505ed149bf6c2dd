import CPosix
import Foundation
import KubeModel
public import Logging
import PostgresEngine
import TidemarkAPI

/// Holds instances in data directories of this machine, each with a server of its own on a port of 127.0.0.1.
///
/// An instance's folder holds `data` (the data directory), `recovery` (until recovery has ended), `run` (the Unix
/// socket, for Tidemark alone), `log` and `instance.json`. The server runs as `user` and outlives the controller.
public struct LocalInstanceHost: InstanceHost {
  private let root: String
  private let programs: String
  private let selfProgram: String
  private let tools: PostgresTools
  private let logger: Logger

  /// Holds instances below `stateDirectory`; `program` is this binary, of which a copy serves `restore_command`.
  public init(stateDirectory: String, program: String, tools: PostgresTools, logger: Logger) {
    root = "\(stateDirectory)/instances"
    programs = "\(stateDirectory)/bin"
    selfProgram = program
    self.tools = tools
    self.logger = logger
  }

  public func reserve(_ id: InstanceID, _ wish: InstanceWish) async throws -> InstancePlace {
    let folder = folder(of: id)
    try StateDirectory.prepare(root, mode: 0o711)
    try folder.create()
    if try folder.readRecord() == nil {
      try folder.write(InstanceRecord(port: try FreePort.find(), wanted: .stopped, database: wish.database))
    }
    return InstancePlace(
      dataDirectory: folder.data, recoveryDirectory: folder.recovery, restoreProgram: try installProgram())
  }

  public func instances(of database: String, in namespace: String) async throws -> [InstanceID] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(root)/\(namespace)")) ?? []
    return try names.sorted().map { InstanceID(namespace: namespace, name: $0) }
      .filter { try folder(of: $0).readRecord()?.database == database }
  }

  public func start(_ id: InstanceID, serverMajor: Int) async throws {
    let folder = folder(of: id)
    guard var record = try folder.readRecord() else {
      throw StepError(code: .instanceFailed, message: "instance \(id) has no place; it must be reserved first")
    }
    guard folder.livePostmaster() == nil else { return }
    let server = try tools.find(major: serverMajor)
    try await tools.giveToServerUser(folder.path)
    try await tools.requireAccess(to: folder.data)
    try folder.writeClientAuthentication(owner: tools.user)
    record.serverMajor = serverMajor
    record.wanted = .running
    try folder.write(record)
    let options = folder.serverOptions(port: record.port)
    try await tools.run(
      server.pgCtl, ["start", "-W", "-s", "-D", folder.data, "-l", folder.log, "-o", options], in: folder.path)
    logger.info("instance started", metadata: ["instance": "\(id)", "port": "\(record.port)"])
  }

  public func state(of id: InstanceID, as role: InstanceRole) async throws -> InstanceState {
    let folder = folder(of: id)
    guard let record = try folder.readRecord() else { return .absent }
    guard folder.livePostmaster() != nil else {
      return record.wanted == .running ? .failed(message: folder.lastWords()) : .stopped
    }
    do {
      return try await folder.server(record, role).observe()
    } catch let error as PostgresError where error.isTransient {
      return .starting
    } catch let error as PostgresError {
      throw FailedServerProbe(reason: error.code.rawValue, message: error.description)
    }
  }

  public func finishRecovery(_ id: InstanceID, role: InstanceRole) async throws {
    let folder = folder(of: id)
    guard let record = try folder.readRecord() else { return }
    try await folder.server(record, role).endRecovery()
    try? FileManager.default.removeItem(atPath: folder.recovery)
  }

  public func fence(of id: InstanceID, as role: InstanceRole) async throws -> Fence {
    let folder = folder(of: id)
    guard let record = try folder.readRecord() else {
      throw StepError(code: .instanceFailed, message: "instance \(id) is gone")
    }
    return try await folder.server(record, role).fence()
  }

  public func exchange(
    _ live: InstanceID, _ aside: InstanceID, incoming: String, outgoing: String
  ) async throws {
    try DataExchange(live: folder(of: live), aside: folder(of: aside), incoming: incoming, outgoing: outgoing).run()
    logger.info("data exchanged", metadata: ["instance": "\(live)", "incarnation": "\(incoming)"])
  }

  public func stop(_ id: InstanceID) async throws {
    let folder = folder(of: id)
    guard var record = try folder.readRecord() else { return }
    record.wanted = .stopped
    try folder.write(record)
    guard folder.livePostmaster() != nil, let major = record.serverMajor else { return }
    let server = try tools.find(major: major)
    try await tools.run(server.pgCtl, ["stop", "-s", "-m", "fast", "-t", "120", "-D", folder.data], in: folder.path)
    logger.info("instance stopped", metadata: ["instance": "\(id)"])
  }

  public func remove(_ id: InstanceID) async throws {
    try await stop(id)
    let folder = folder(of: id)
    guard FileManager.default.fileExists(atPath: folder.path) else { return }
    try FileManager.default.removeItem(atPath: folder.path)
  }

  private func folder(of id: InstanceID) -> InstanceFolder {
    InstanceFolder(path: "\(root)/\(id.namespace)/\(id.name)", stateRoot: root)
  }

  /// A copy of this binary where the server's user can run it; the original may lie in a private folder.
  private func installProgram() throws -> String {
    let files = FileManager.default
    try files.createDirectory(
      atPath: programs, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    let copy = "\(programs)/tidemark"
    let attributes: Set<URLResourceKey> = [.fileSizeKey, .contentModificationDateKey]
    let mine = try URL(filePath: selfProgram).resolvingSymlinksInPath().resourceValues(forKeys: attributes)
    let theirs = try? URL(filePath: copy).resourceValues(forKeys: attributes)
    if let theirs, theirs.fileSize == mine.fileSize,
      let ours = mine.contentModificationDate, let copied = theirs.contentModificationDate, copied >= ours
    {
      return copy
    }
    let fresh = "\(copy).\(getpid())"
    try? files.removeItem(atPath: fresh)
    try files.copyItem(atPath: selfProgram, toPath: fresh)
    try files.setAttributes([.posixPermissions: 0o755, .modificationDate: Date()], ofItemAtPath: fresh)
    guard rename(fresh, copy) == 0 else { throw StepError.system("rename", copy) }
    return copy
  }
}
