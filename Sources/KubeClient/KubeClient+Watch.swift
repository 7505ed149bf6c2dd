public import KubeModel

extension KubeClient {
  /// Watches objects of a kind; `namespace` nil means all namespaces.
  ///
  /// Nothing happens before the first event is asked for. Bookmarks are asked for. See `WatchStream` for how it ends.
  public func watch<R: KubeResource>(
    _ type: R.Type, namespace: String? = nil, options: WatchOptions = WatchOptions()
  ) -> WatchStream<R> {
    let (exchange, settings) = (exchange, settings)
    return WatchStream(
      operation: "watch \(R.resource.qualifiedPlural)", server: exchange.connections.authority,
      lineLimit: settings.eventLimit
    ) {
      var request = try APIRequest.about(
        type, "watch", .get, namespace: namespace, name: .collection, repetition: .read, settings: settings)
      request.add("watch", "true")
      request.add("allowWatchBookmarks", "true")
      request.add("resourceVersion", options.resourceVersion)
      request.add("labelSelector", options.labelSelector)
      request.add("fieldSelector", options.fieldSelector)
      request.add("timeoutSeconds", "\(min(max(options.timeoutSeconds, 1), 600))")
      return try await exchange.open(request)
    }
  }
}
