import CPosix
import Foundation
package import PostgresEngine
import Subprocess
import SystemPackage

/// PostgreSQL's client programs on this machine: `psql`, `pg_restore` and `pg_dump` of one version.
package struct ClientPrograms {
  let folder: String
  let version: PostgresVersion

  var psql: String { "\(folder)/psql" }
  var pgRestore: String { "\(folder)/pg_restore" }
  var pgDump: String { "\(folder)/pg_dump" }

  /// The programs in `folder`; nil: the newest where Debian puts those of each version, else those of `PATH`.
  ///
  /// Throws where there are none, or where they are older than the server: these neither dump it nor know all it has.
  static func find(in folder: String?, server: PostgresVersion) async throws -> ClientPrograms {
    let candidates = folder.map { [$0] } ?? debianFolders() + pathFolders()
    guard let found = candidates.first(where: { access("\($0)/psql", X_OK) == 0 }) else {
      throw StepError(
        code: .postgresProgramMissing,
        message:
          "PostgreSQL's client programs are not in \(folder ?? "/usr/lib/postgresql, nor in PATH"); install them "
          + "(apt-get install postgresql-client) or name their folder by --pg-bindir")
    }
    let programs = ClientPrograms(folder: found, version: try await version(of: "\(found)/psql"))
    guard programs.version.major >= server.major else {
      throw StepError(
        code: .postgresProgramMissing,
        message: "PostgreSQL's client programs in \(found) are of version \(programs.version), and the server is of "
          + "\(server); install postgresql-client-\(server.major)")
    }
    return programs
  }

  /// Throws where `psql` can't be kept from carrying out its own commands: see ``canBeRestricted(_:)``.
  func requireRestriction() throws {
    guard Self.canBeRestricted(version) else {
      throw StepError(
        code: .postgresProgramMissing,
        message: "psql \(version) in \(folder) has no \\restrict, so a dump could run programs through it "
          + "(CVE-2025-8714); install the newest minor version of PostgreSQL \(version.major), or a newer major one")
    }
  }

  /// Whether `psql` of this version knows `\restrict`: 13.22, 14.19, 15.14, 16.10, 17.6, and all from 18 on.
  package static func canBeRestricted(_ version: PostgresVersion) -> Bool {
    let firstMinor = [13: 22, 14: 19, 15: 14, 16: 10, 17: 6]
    if let minor = firstMinor[version.major] { return version.number % 10_000 >= minor }
    return version.major >= 18
  }

  /// `psql (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`
  package static func version(in output: String) -> PostgresVersion? {
    output.split(whereSeparator: \.isWhitespace).lazy.compactMap { PostgresVersion($0) }.first
  }

  private static func version(of program: String) async throws -> PostgresVersion {
    let ended = try await Subprocess.run(
      .path(FilePath(program)), arguments: ["--version"], output: .string(limit: 4096), error: .discarded)
    guard ended.terminationStatus.isSuccess, let version = version(in: ended.standardOutput) else {
      throw StepError(
        code: .postgresProgramMissing,
        message: "\(program) --version says nothing of a version; install PostgreSQL's client programs anew")
    }
    return version
  }

  private static func debianFolders() -> [String] {
    let root = "/usr/lib/postgresql"
    let majors = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).compactMap { Int($0) }
    return majors.sorted(by: >).map { "\(root)/\($0)/bin" }
  }

  private static func pathFolders() -> [String] {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
  }
}
