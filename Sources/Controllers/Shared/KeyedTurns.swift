package import KubeModel

/// One at a time for each key, in the order in which they came.
package actor KeyedTurns {
  /// Who waits, by key; a key that nobody has is not there.
  private var waiting: [ObjectKey: [CheckedContinuation<Void, Never>]] = [:]

  /// Nobody has a turn yet.
  package init() {}

  /// Runs `body` when nobody else does for this key. A wait is not ended by cancellation: those before are bounded.
  package nonisolated func turn<Value: Sendable>(
    _ key: ObjectKey, _ body: () async throws -> Value
  ) async throws -> Value {
    await take(key)
    do {
      let value = try await body()
      await give(key)
      return value
    } catch {
      await give(key)
      throw error
    }
  }

  private func take(_ key: ObjectKey) async {
    guard waiting[key] != nil else {
      waiting[key] = []
      return
    }
    await withCheckedContinuation { waiting[key]?.append($0) }
  }

  private func give(_ key: ObjectKey) {
    guard let next = waiting[key]?.first else {
      waiting[key] = nil
      return
    }
    waiting[key]?.removeFirst()
    next.resume()
  }
}
