import KubeModel

extension Database {
  /// The server that clients are on: the one of `spec.connection`, or the one that a clone or a switch put there.
  ///
  /// It stands in annotations, which change together: a switch is one write, and the spec stays its author's.
  public var liveInstance: DatabaseInstance {
    get {
      let annotations = metadata.annotations
      guard let name = annotations[TidemarkAnnotation.instance] else {
        return DatabaseInstance(endpoint: specEndpoint)
      }
      return DatabaseInstance(
        name: name, serverMajor: annotations[TidemarkAnnotation.serverMajor].flatMap { Int($0) },
        endpoint: annotations[TidemarkAnnotation.endpoint].flatMap { Endpoint($0) } ?? specEndpoint,
        incarnation: annotations[TidemarkAnnotation.incarnation], origin: annotations[TidemarkAnnotation.origin])
    }
    set {
      let isNamed = newValue.name != nil
      metadata.annotations[TidemarkAnnotation.instance] = newValue.name
      metadata.annotations[TidemarkAnnotation.serverMajor] = newValue.serverMajor.map { "\($0)" }
      metadata.annotations[TidemarkAnnotation.endpoint] =
        isNamed && newValue.endpoint != specEndpoint ? newValue.endpoint?.description : nil
      metadata.annotations[TidemarkAnnotation.incarnation] = newValue.incarnation
      metadata.annotations[TidemarkAnnotation.origin] = newValue.origin
    }
  }

  /// Where clients and Tidemark reach the live server.
  public var liveEndpoint: Endpoint { liveInstance.endpoint ?? specEndpoint }

  /// The system identifier of the server of `spec.connection`, a decimal number, as far as it is known: clients may be on
  /// an instance that holds another system's data.
  public var originalSystemIdentifier: String? { status?.originalSystemIdentifier ?? status?.systemIdentifier }

  private var specEndpoint: Endpoint { Endpoint(host: spec.connection.host, port: spec.connection.port) }
}

extension Endpoint: CustomStringConvertible {
  /// `host:port`.
  public var description: String { "\(host):\(port)" }

  /// Reads `host:port`; nil where `text` is something else.
  public init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
      (1...65535).contains(port), colon != text.startIndex
    else { return nil }
    self.init(host: String(text[..<colon]), port: port)
  }
}
