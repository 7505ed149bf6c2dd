import Foundation
import Glibc

/// The scripts in `hack/`, which start and stop servers.
enum HackScript {
  /// The path of a script: in `$TIDEMARK_HACK`, else in the checkout that this was built from.
  static func path(_ name: String, here: String = #filePath) throws -> String {
    let folder: String
    if let named = ProcessInfo.processInfo.environment["TIDEMARK_HACK"] {
      folder = named
    } else {
      let root = here.split(separator: "/").dropLast(3).joined(separator: "/")
      folder = "/\(root)/hack"
    }
    let path = "\(folder)/\(name)"
    guard access(path, X_OK) == 0 else {
      throw TestSupportError("there is no script \(path); set TIDEMARK_HACK to the folder hack of a checkout")
    }
    return path
  }

  /// Runs a script to its end and gives what it printed.
  @discardableResult
  static func run(_ name: String, _ arguments: [String]) async throws -> String {
    // The first use of kube on a machine builds it from source.
    try await RunningProgram.run(path(name), arguments, within: .seconds(1800)).output
  }

  /// `DIR/env` as the scripts write it.
  static func environment(in directory: String) throws -> [String: String] {
    let text = try String(contentsOfFile: "\(directory)/env", encoding: .utf8)
    var values: [String: String] = [:]
    for line in text.split(separator: "\n") {
      guard let equals = line.firstIndex(of: "=") else { continue }
      values[String(line[..<equals])] = String(line[line.index(after: equals)...])
    }
    return values
  }
}

extension [String: String] {
  func required(_ name: String) throws -> String {
    guard let value = self[name] else { throw TestSupportError("the server's env file lacks \(name)") }
    return value
  }
}
