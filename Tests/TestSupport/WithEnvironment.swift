import Glibc

/// Runs `body` with a variable in the environment of this process, and of those that it starts.
///
/// For what reads the environment inside this process, as libpq does; tests that use it must not run side by side.
public func withEnvironment<Result>(
  _ name: String, _ value: String, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
) async rethrows -> Result {
  let before = getenv(name).map { String(cString: $0) }
  setenv(name, value, 1)
  defer { if let before { setenv(name, before, 1) } else { unsetenv(name) } }
  return try await body()
}
