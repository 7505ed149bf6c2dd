import CPosix
import Foundation
import TidemarkAPI

/// What is written down of an instance on this machine.
struct InstanceRecord: Codable {
  /// Whether its server is to run.
  enum Wanted: String, Codable { case running, stopped }

  var port: Int
  var serverMajor: Int?
  var wanted: Wanted
  /// The name of the Database that it belongs to, in its own namespace; nil in records of earlier versions.
  var database: String?
}

/// The files of one instance.
package struct InstanceFolder {
  package let path: String
  /// The folder of all instances; from here down the server's user may pass.
  let stateRoot: String

  /// The folder at `path`.
  package init(path: String, stateRoot: String) { (self.path, self.stateRoot) = (path, stateRoot) }

  var data: String { "\(path)/data" }
  var recovery: String { "\(path)/recovery" }
  var log: String { "\(path)/log" }
  /// Which incarnation's data lie where, once they were exchanged.
  var dataRecord: String { "\(path)/incarnations.json" }
  private var run: String { "\(path)/run" }
  private var record: String { "\(path)/instance.json" }
  private var authentication: String { "\(path)/pg_hba.conf" }
  private var identity: String { "\(path)/pg_ident.conf" }

  /// Where the socket lies: the path of a socket has at most 107 bytes, so a deep folder gets one elsewhere.
  package var socketDirectory: String {
    run.utf8.count <= 85 ? run : "/tmp/.tidemark-\(Fingerprint.of([Array(path.utf8)]).prefix(16))"
  }

  func create() throws {
    let files = FileManager.default
    try files.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
    for folder in [recovery, socketDirectory] {
      try files.createDirectory(
        atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }
    try refuseStrangers(socketDirectory)
  }

  /// Outside the state directory another user may have made the folder before us, and would reach the server through
  /// it without a password.
  private func refuseStrangers(_ folder: String) throws {
    var status = stat()
    guard lstat(folder, &status) == 0 else { throw StepError.system("look at", folder) }
    let recordedOwner = (try? FileManager.default.attributesOfItem(atPath: data)[.ownerAccountID] as? NSNumber)?
      .uint32Value
    guard status.st_mode & S_IFMT == S_IFDIR, status.st_mode & 0o077 == 0,
      status.st_uid == geteuid() || status.st_uid == recordedOwner
    else {
      throw StepError(
        code: .system,
        message: "\(folder) belongs to somebody else, or is open to others; remove it, or choose a shorter --state-dir")
    }
  }

  func readRecord() throws -> InstanceRecord? {
    guard FileManager.default.fileExists(atPath: record) else { return nil }
    return try JSONDecoder().decode(InstanceRecord.self, from: Data(contentsOf: URL(filePath: record)))
  }

  func write(_ record: InstanceRecord) throws {
    try PrivateFile.write(Array(JSONEncoder().encode(record)), to: self.record)
  }

  /// Who may log in how: Tidemark through the private socket, clients of this machine by password.
  func writeClientAuthentication(owner: ServerUser?) throws {
    let rules = """
      # Written by Tidemark. The socket's folder is open to the server's user alone.
      local all         all              trust
      local replication all              trust
      host  all         all 127.0.0.1/32 scram-sha-256
      host  all         all ::1/128      scram-sha-256
      host  replication all 127.0.0.1/32 scram-sha-256
      host  replication all ::1/128      scram-sha-256
      """
    try PrivateFile.write(Array(rules.utf8), to: authentication)
    try PrivateFile.write([], to: identity)
    guard let owner else { return }
    for path in [authentication, identity, socketDirectory] {
      guard chown(path, owner.uid, owner.gid) == 0 else { throw StepError.system("chown", path) }
    }
  }

  /// The settings that make the restored server an instance of this machine; they stand above its files'.
  package func serverOptions(port: Int) -> String {
    let settings: [(String, String)] = [
      ("port", "\(port)"), ("listen_addresses", "127.0.0.1"), ("unix_socket_directories", socketDirectory),
      ("hba_file", authentication), ("ident_file", identity), ("external_pid_file", ""), ("ssl", "off"),
      ("logging_collector", "off"), ("log_destination", "stderr"), ("archive_mode", "off"), ("hot_standby", "on"),
      ("password_encryption", "scram-sha-256"),
    ]
    return settings.map { "-c \(Self.shellQuoted("\($0.0)=\($0.1)"))" }.joined(separator: " ")
  }

  /// The server; Tidemark comes in through the private socket, which lets any role in without a password.
  func server(_ record: InstanceRecord, _ role: InstanceRole) -> InstanceServer {
    let socket = Endpoint(host: socketDirectory, port: record.port)
    return InstanceServer(endpoint: Endpoint(host: "127.0.0.1", port: record.port), role: role) { user in
      ServerEntry(socket, database: "template1", sslMode: .disable, user: user, password: role.password)
    }
  }

  /// The server's process, if it runs: the one that `postmaster.pid` names and that works in this data directory.
  func livePostmaster() -> pid_t? {
    guard let lines = try? String(contentsOfFile: "\(data)/postmaster.pid", encoding: .utf8),
      let pid = lines.split(separator: "\n").first.flatMap({ pid_t($0) }), pid > 0,
      let place = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd"),
      URL(filePath: place).resolvingSymlinksInPath() == URL(filePath: data).resolvingSymlinksInPath()
    else { return nil }
    return pid
  }

  /// The end of the server's log.
  func lastWords() -> String {
    let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").suffix(5).joined(separator: "\n")
  }

  private static func shellQuoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }
}

/// A port of 127.0.0.1 that nobody listens on.
package enum FreePort {
  /// Finds one.
  package static func find() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw StepError.system("open a socket on", "127.0.0.1") }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        bind(descriptor, generic, length) == 0 ? getsockname(descriptor, generic, &length) : -1
      }
    }
    guard status == 0 else { throw StepError.system("find a free port on", "127.0.0.1") }
    return Int(UInt16(bigEndian: address.sin_port))
  }
}
