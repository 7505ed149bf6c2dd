import Foundation
import PostgresEngine
import Subprocess
import SystemPackage

/// A copy of this program that runs in another container, whatever libraries that has: with its own ones, and with
/// the loader of its own image.
///
/// It reads nothing of the other image but `/bin/sh`, which PostgreSQL needs for `restore_command` anyway.
public struct ProgramCopy: Sendable {
  /// What the copy is called, in its folder.
  static let name = "tidemark"
  /// The authorities that this image trusts, beside it: stock images of PostgreSQL have none.
  static let authorities = "ca-certificates.crt"

  private static let bundles = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"]
  private let directory: String
  private let program: String

  /// A copy of the program at `program`, to be made in `directory`.
  public init(of program: String, in directory: String) { (self.program, self.directory) = (program, directory) }

  /// Makes the copy; one that is there is replaced.
  public func make() async throws {
    let libraries = "\(directory)/lib"
    try FileManager.default.createDirectory(
      atPath: libraries, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    if let bundle = Self.bundles.first(where: { access($0, R_OK) == 0 }) {
      try copy(bundle, to: "\(directory)/\(Self.authorities)", mode: 0o644)
    }
    guard let loader = try Self.loader() else {
      return try copy(program, to: "\(directory)/\(Self.name)", mode: 0o755)
    }
    for (name, path) in try await dependencies(loader) { try copy(path, to: "\(libraries)/\(name)", mode: 0o755) }
    try copy(program, to: "\(libraries)/\(Self.name)", mode: 0o755)
    try copy(loader, to: "\(libraries)/\(Self.loaderName)", mode: 0o755)
    let script = """
      #!/bin/sh
      \(PostgresEngine.DetachedProcess.programVariable)='\(directory)/\(Self.name)' exec '\(libraries)/\(Self.loaderName)' \
      --library-path '\(libraries)' '\(libraries)/\(Self.name)' "$@"

      """
    let fresh = "\(directory)/.\(Self.name)"
    try Data(script.utf8).write(to: URL(filePath: fresh))
    try place(fresh, at: "\(directory)/\(Self.name)", mode: 0o755)
  }

  private static let loaderName = "ld.so"

  /// The loader that runs this process; nil where it was linked statically.
  private static func loader() throws -> String? {
    try maps().split(separator: "\n").compactMap { $0.split(separator: " ").last.map(String.init) }
      .first { path in
        let name = path.split(separator: "/").last ?? ""
        return path.hasPrefix("/") && name.hasPrefix("ld") && name.contains(".so")
      }
  }

  /// What is mapped into this process. The kernel tells no size of that file, and gives it in pieces.
  private static func maps() throws -> String {
    guard let file = fopen("/proc/self/maps", "re") else { throw StepError.system("read", "/proc/self/maps") }
    defer { fclose(file) }
    var (bytes, chunk): ([UInt8], [UInt8]) = ([], [UInt8](repeating: 0, count: 65536))
    while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The libraries that the loader finds for the program: under which names, and where.
  private func dependencies(_ loader: String) async throws -> [(name: String, path: String)] {
    let listed = try await Subprocess.run(
      .path(FilePath(loader)), arguments: ["--list", program], output: .string(limit: 1 << 20),
      error: .string(limit: 4096))
    guard listed.terminationStatus.isSuccess else {
      throw StepError(
        code: .system, message: "\(loader) --list \(program) failed: \(listed.standardError)")
    }
    return try Self.libraries(ofListing: listed.standardOutput)
  }

  /// Reads what `ld.so --list` prints: a line `name => path (address)` for each library.
  package static func libraries(ofListing text: String) throws -> [(name: String, path: String)] {
    try text.split(separator: "\n").compactMap { line in
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      // A name with a path is the loader's own, which the program names in full.
      guard let arrow = words.firstIndex(of: "=>"), arrow > 0, !words[0].contains("/") else { return nil }
      guard arrow + 1 < words.count, words[arrow + 1].hasPrefix("/") else {
        throw StepError(code: .system, message: "the library \(words[0]) of this program is not there")
      }
      return (String(words[0]), String(words[arrow + 1]))
    }
  }

  private func copy(_ source: String, to target: String, mode: Int) throws {
    let fresh = "\(target).new"
    try? FileManager.default.removeItem(atPath: fresh)
    let resolved = URL(filePath: source).resolvingSymlinksInPath().path(percentEncoded: false)
    try FileManager.default.copyItem(atPath: resolved, toPath: fresh)
    try place(fresh, at: target, mode: mode)
  }

  private func place(_ fresh: String, at target: String, mode: Int) throws {
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: fresh)
    guard rename(fresh, target) == 0 else { throw StepError.system("rename", target) }
  }
}
