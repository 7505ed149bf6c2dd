/// An Event of the core group, as `kubectl describe` shows it.
public struct Event: KubeResource, Hashable {
  /// Who reports.
  public struct Source: Codable, Hashable, Sendable {
    /// The reporting program.
    public var component: String?
    /// The machine that it runs on.
    public var host: String?

    /// A reporter of events.
    public init(component: String? = nil, host: String? = nil) {
      self.component = component
      self.host = host
    }
  }

  public static let resource = ResourceDescription(group: "", version: "v1", kind: "Event", plural: "events")

  public var metadata: ObjectMeta
  /// What the event is about.
  public var involvedObject: ObjectReference
  /// Why, as one CamelCase word for programs.
  public var reason: String?
  /// What happened, for people.
  public var message: String?
  /// Who reports.
  public var source: Source?
  /// When it happened first.
  public var firstTimestamp: Timestamp?
  /// When it happened last.
  public var lastTimestamp: Timestamp?
  /// How often it happened.
  public var count: Int?
  /// `Normal` or `Warning`.
  public var type: String?
  /// When it happened, for events of the newer API.
  public var eventTime: MicroTime?
  /// What was done, for events of the newer API.
  public var action: String?
  /// The controller that reports, for events of the newer API.
  public var reportingComponent: String?
  /// The instance of that controller, for events of the newer API.
  public var reportingInstance: String?

  /// An event about `involvedObject`; the object's namespace must be the event's.
  public init(
    metadata: ObjectMeta, involvedObject: ObjectReference, reason: String? = nil, message: String? = nil,
    source: Source? = nil, firstTimestamp: Timestamp? = nil, lastTimestamp: Timestamp? = nil, count: Int? = nil,
    type: String? = nil, eventTime: MicroTime? = nil, action: String? = nil, reportingComponent: String? = nil,
    reportingInstance: String? = nil
  ) {
    self.metadata = metadata
    self.involvedObject = involvedObject
    self.reason = reason
    self.message = message
    self.source = source
    self.firstTimestamp = firstTimestamp
    self.lastTimestamp = lastTimestamp
    self.count = count
    self.type = type
    self.eventTime = eventTime
    self.action = action
    self.reportingComponent = reportingComponent
    self.reportingInstance = reportingInstance
  }
}
