public import KubeModel

extension KubeClient {
  /// How many objects a page of `listAll` holds.
  public static var pageSize: Int { 500 }

  /// Reads one object. `isNotFound` where there is none.
  public func get<R: KubeResource>(_ type: R.Type, _ key: ObjectKey) async throws -> R {
    let request = try APIRequest.about(
      type, "get", .get, namespace: key.namespace, name: .object(key.name), repetition: .read, settings: settings)
    return try await exchange.perform(request, as: type)
  }

  /// Reads one object, or gives nil where there is none.
  public func find<R: KubeResource>(_ type: R.Type, _ key: ObjectKey) async throws -> R? {
    do {
      return try await get(type, key)
    } catch let error as KubeError where error.isNotFound {
      return nil
    }
  }

  /// Reads one page of a list; `namespace` nil means all namespaces.
  ///
  /// `isGone` where the continue token or the resource version is too old. Objects that do not decode are set aside in
  /// `undecodable`.
  public func list<R: KubeResource>(
    _ type: R.Type, namespace: String? = nil, options: ListOptions = ListOptions()
  ) async throws -> ResourceList<R> {
    var request = try APIRequest.about(
      type, "list", .get, namespace: namespace, name: .collection, repetition: .read, settings: settings)
    request.timeout = settings.listTimeout
    request.answerLimit = settings.listLimit
    request.add("labelSelector", options.labelSelector)
    request.add("fieldSelector", options.fieldSelector)
    request.add("limit", options.limit.map { "\($0)" })
    request.add("continue", options.continueToken)
    // The server refuses a version beside a continue token, which carries its own.
    if options.continueToken == nil { request.add("resourceVersion", options.resourceVersion) }
    return try await exchange.perform(request, as: ResourceList<R>.self)
  }

  /// Reads a whole list in pages of `pageSize`, all as of one resource version.
  ///
  /// Where the list grows too old between two pages it starts over, once; then `isGone`.
  public func listAll<R: KubeResource>(
    _ type: R.Type, namespace: String? = nil, labelSelector: String? = nil, fieldSelector: String? = nil,
    pageSize: Int = KubeClient.pageSize
  ) async throws -> ResourceList<R> {
    let options = ListOptions(labelSelector: labelSelector, fieldSelector: fieldSelector, limit: pageSize)
    do {
      return try await allPages(type, namespace: namespace, options: options)
    } catch let error as KubeError where error.isGone {
      return try await allPages(type, namespace: namespace, options: options)
    }
  }

  private func allPages<R: KubeResource>(
    _ type: R.Type, namespace: String?, options: ListOptions
  ) async throws -> ResourceList<R> {
    var options = options
    var whole = try await list(type, namespace: namespace, options: options)
    while let token = whole.metadata.continueToken {
      options.continueToken = token
      let page = try await list(type, namespace: namespace, options: options)
      whole.items += page.items
      whole.undecodable += page.undecodable
      whole.metadata = page.metadata
    }
    return whole
  }
}
