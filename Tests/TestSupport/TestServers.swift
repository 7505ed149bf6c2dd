import Foundation

/// Servers that all tests of a process share, started when the first test asks for them.
///
/// `$TIDEMARK_TEST_S3_DIR` and `$TIDEMARK_TEST_KUBE_DIR` name servers that are up already, as `make test` starts
/// them. A test that stops, freezes or kills a server starts one of its own: `TestS3.start()` takes two seconds.
public enum TestServers {
  private static let sharedS3 = Once<TestS3>()
  private static let sharedKube = Once<TestKube>()

  /// The S3 server. Take a bucket of your own from it: `makeBucket()`.
  public static func s3() async throws -> TestS3 {
    try await sharedS3.value {
      try await TestS3.start(in: directory("TIDEMARK_TEST_S3_DIR", "s3"))
    }
  }

  /// The Kubernetes API server. Take a namespace of your own from it: `makeNamespace()`.
  public static func kube() async throws -> TestKube {
    try await sharedKube.value {
      try await TestKube.start(in: directory("TIDEMARK_TEST_KUBE_DIR", "kube"))
    }
  }

  private static func directory(_ variable: String, _ name: String) throws -> String {
    if let named = ProcessInfo.processInfo.environment[variable] { return named }
    return try ScratchDirectory(name).path
  }
}

/// A value that is made once, by the first who asks; who asks meanwhile waits. A failure is not kept.
private actor Once<Value: Sendable> {
  private enum State {
    case empty
    case making(Task<Value, any Error>)
    case made(Value)
  }
  private var state = State.empty

  func value(_ make: @escaping @Sendable () async throws -> Value) async throws -> Value {
    let task: Task<Value, any Error>
    switch state {
    case .made(let value): return value
    case .making(let running): task = running
    case .empty:
      task = Task { try await make() }
      state = .making(task)
    }
    do {
      let value = try await task.value
      state = .made(value)
      return value
    } catch {
      state = .empty
      throw error
    }
  }
}
