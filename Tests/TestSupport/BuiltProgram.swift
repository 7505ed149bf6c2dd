import Foundation
import Glibc

/// The path of a program of this package, as built together with the running one: `builtProgram("tidemark")`.
public func builtProgram(_ name: String) throws -> String {
  let running = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
  let folder = running.split(separator: "/").dropLast().joined(separator: "/")
  let path = "/\(folder)/\(name)"
  guard access(path, X_OK) == 0 else {
    throw TestSupportError("there is no program \(path); build all of the package, as `swift build --build-tests` does")
  }
  return path
}
