import CPosix
import Foundation
import Subprocess
import SystemPackage

/// A user of this machine.
public struct ServerUser: Sendable, Equatable {
  /// The user's id.
  public let uid: UInt32
  /// The user's main group.
  public let gid: UInt32
  /// The user's name.
  public let name: String

  /// Looks `name` up; throws where there is no such user.
  public init(named name: String) throws {
    guard let entry = getpwnam(name) else {
      throw StepError(code: .system, message: "there is no user '\(name)' on this machine; name one by --pg-user")
    }
    (uid, gid, self.name) = (entry.pointee.pw_uid, entry.pointee.pw_gid, name)
  }
}

/// PostgreSQL's server programs on this machine, and the user that they run as.
public struct PostgresTools: Sendable {
  /// The programs of one major version.
  public struct Server: Sendable {
    /// The folder that holds them.
    public let binDirectory: String
    var pgCtl: String { "\(binDirectory)/pg_ctl" }
  }

  /// The user that servers run as; nil: the one that we run as.
  public let user: ServerUser?
  private let binDirectory: String?

  /// Programs in `binDirectory`; nil: where Debian puts those of each version.
  ///
  /// Throws where we are root and no user is named: PostgreSQL refuses to run as root.
  public init(binDirectory: String?, user: String?) throws {
    self.binDirectory = binDirectory
    self.user = try user.map { try ServerUser(named: $0) }
    if self.user == nil, geteuid() == 0 {
      throw StepError(
        code: .system, message: "PostgreSQL does not run as root; name the user for its servers by --pg-user postgres")
    }
  }

  /// The programs of the given major version: a data directory runs under no other.
  public func find(major: Int) throws -> Server {
    let folder = binDirectory ?? "/usr/lib/postgresql/\(major)/bin"
    guard access("\(folder)/pg_ctl", X_OK) == 0 else {
      throw StepError(
        code: .postgresProgramMissing,
        message: "PostgreSQL \(major) is not in \(folder); install it (apt-get install postgresql-\(major)) or name "
          + "its folder by --pg-bindir")
    }
    return Server(binDirectory: folder)
  }

  /// Runs one of the programs as the servers' user; throws with what it printed when it fails.
  func run(_ program: String, _ arguments: [String], in folder: String) async throws {
    var options = PlatformOptions()
    options.userID = user?.uid
    options.groupID = user?.gid
    options.createSession = true
    // Its server inherits standard output and error and keeps them: they go to a file, not to a pipe that never ends.
    let capture = "\(NSTemporaryDirectory())/tidemark-pg.\(UUID().uuidString)"
    let descriptor = try FileDescriptor.open(
      capture, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: [.ownerReadWrite])
    defer { try? FileManager.default.removeItem(atPath: capture) }
    let ended = try await Subprocess.run(
      .path(FilePath(program)), arguments: Arguments(arguments), environment: .inherit.updating(["LC_ALL": "C"]),
      workingDirectory: FilePath(folder), platformOptions: options, input: .none,
      output: .fileDescriptor(descriptor, closeAfterSpawningProcess: false),
      error: .fileDescriptor(descriptor, closeAfterSpawningProcess: true))
    guard ended.terminationStatus.isSuccess else {
      let said = (try? String(contentsOfFile: capture, encoding: .utf8)) ?? ""
      throw StepError(
        code: .instanceFailed,
        message: "\(program) \(arguments.first ?? "") failed: \(said.trimmingCharacters(in: .whitespacesAndNewlines))")
    }
  }

  /// Gives a folder and all in it to the servers' user.
  func giveToServerUser(_ folder: String) async throws {
    guard let user else { return }
    let ended = try await Subprocess.run(
      .name("chown"), arguments: ["-R", "-h", "--", "\(user.uid):\(user.gid)", folder], output: .discarded,
      error: .string(limit: 4096))
    guard ended.terminationStatus.isSuccess else {
      throw StepError(
        code: .system, message: "could not give \(folder) to user \(user.name): \(ended.standardError)")
    }
  }

  /// Throws where the servers' user can't reach `folder`: a folder above it may be closed to others.
  func requireAccess(to folder: String) async throws {
    guard let user else { return }
    var options = PlatformOptions()
    options.userID = user.uid
    options.groupID = user.gid
    let ended = try await Subprocess.run(
      .name("test"), arguments: ["-x", folder], workingDirectory: "/", platformOptions: options, output: .discarded,
      error: .discarded)
    guard ended.terminationStatus.isSuccess else {
      throw StepError(
        code: .system,
        message: "user \(user.name) can't reach \(folder), because a folder above it is closed to others; choose a "
          + "--state-dir that this user can reach, such as /var/lib/tidemark")
    }
  }
}
