package import KubeClient
package import KubeModel

/// Where a reflector gets a kind's objects from: the API server, or a script in a test.
package struct ResourceSource<R: KubeResource>: Sendable {
  package typealias Events = any AsyncSequence<WatchEvent<R>, any Error>

  package let list: @Sendable (ListRequest) async throws -> ResourceList<R>
  package let watch: @Sendable (WatchRequest) async throws -> Events

  package init(
    list: @escaping @Sendable (ListRequest) async throws -> ResourceList<R>,
    watch: @escaping @Sendable (WatchRequest) async throws -> Events
  ) {
    self.list = list
    self.watch = watch
  }

  /// The objects of a namespace (`nil`: of all) that the API server has, as far as the selector picks them.
  package init(client: KubeClient, namespace: String?, labelSelector: String?) {
    self.init(
      list: { request in
        let options = ListOptions(
          labelSelector: labelSelector, limit: request.limit, continueToken: request.continueToken)
        return try await client.list(R.self, namespace: namespace, options: options)
      },
      watch: { request in
        let options = WatchOptions(
          resourceVersion: request.resourceVersion, labelSelector: labelSelector,
          timeoutSeconds: max(1, Int(request.timeout.seconds)))
        return client.watch(R.self, namespace: namespace, options: options)
      })
  }
}

extension ReflectorFailure {
  /// What an error of a list or a watch means for what follows.
  package init(_ error: any Error) {
    switch error {
    case let error as KubeError: self.init(error)
    case is WatchOverdue: self = .unreachable
    default: self = .refused
    }
  }

  private init(_ error: KubeError) {
    switch error {
    case .status(let status): self.init(status)
    case .transport(let failure) where failure.code == .answerTooLarge: self = .refused
    case .transport: self = .unreachable
    case .decoding, .configuration, .authentication, .invalidRequest: self = .refused
    }
  }

  /// What a refusal means, be it the answer to a request or an ERROR within a watch.
  package init(_ status: KubeStatus) {
    let retryAfter = status.details?.retryAfterSeconds.map { Duration.seconds($0) }
    switch KubeError.status(status) {
    case let error where error.isGone: self = .expired
    case let error where error.isTooManyRequests: self = .throttled(retryAfter: retryAfter)
    case _ where status.code == 503: self = .unreachable
    default: self = .refused
    }
  }
}

/// The server did not end a watch when it should have: its end of the connection is gone.
struct WatchOverdue: Error {}
