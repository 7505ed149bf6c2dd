/// One observation about an object, of the standard shape (`metav1.Condition`).
public struct Condition: Codable, Hashable, Sendable {
  /// Whether the condition holds.
  public enum Status: String, Codable, Hashable, Sendable {
    /// It holds.
    case `true` = "True"
    /// It does not hold.
    case `false` = "False"
    /// It could not be found out.
    case unknown = "Unknown"
  }

  /// What is observed, for example `Ready`.
  public var type: String
  /// Whether it holds.
  public var status: Status
  /// Why, as one CamelCase word for programs.
  public var reason: String
  /// Why and what to do, for people.
  public var message: String
  /// The generation of the spec that was observed.
  public var observedGeneration: Int64?
  /// When `status` last changed.
  public var lastTransitionTime: Timestamp

  /// A condition; `lastTransitionTime` is when `status` last changed.
  public init(
    type: String, status: Status, reason: String, message: String, observedGeneration: Int64? = nil,
    lastTransitionTime: Timestamp
  ) {
    self.type = type
    self.status = status
    self.reason = reason
    self.message = message
    self.observedGeneration = observedGeneration
    self.lastTransitionTime = lastTransitionTime
  }

  private enum CodingKeys: String, CodingKey {
    case type, status, reason, message, observedGeneration, lastTransitionTime
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    type = try container.decode(String.self, forKey: .type)
    status = try container.decode(Status.self, forKey: .status)
    reason = try container.decodeIfPresent(String.self, forKey: .reason) ?? ""
    message = try container.decodeIfPresent(String.self, forKey: .message) ?? ""
    observedGeneration = try container.decodeIfPresent(Int64.self, forKey: .observedGeneration)
    lastTransitionTime =
      try container.decodeIfPresent(Timestamp.self, forKey: .lastTransitionTime) ?? Timestamp(secondsSince1970: 0)
  }
}

extension [Condition] {
  /// The condition of this type, if it was observed.
  public subscript(type type: String) -> Condition? { first { $0.type == type } }

  /// Whether the condition of this type holds; false where it was not observed.
  public func isTrue(_ type: String) -> Bool { self[type: type]?.status == .true }

  /// Puts `condition` in place of the one of its type, or at the end.
  ///
  /// The time of the last transition stays what it was unless the status changed, so that writing the same
  /// observation again changes nothing. Returns whether anything changed.
  @discardableResult
  public mutating func set(_ condition: Condition) -> Bool {
    guard let index = firstIndex(where: { $0.type == condition.type }) else {
      append(condition)
      return true
    }
    var merged = condition
    if self[index].status == condition.status { merged.lastTransitionTime = self[index].lastTransitionTime }
    defer { self[index] = merged }
    return self[index] != merged
  }

  /// Sets one observation as of `now`. Returns whether anything changed.
  @discardableResult
  public mutating func set(
    _ type: String, _ status: Condition.Status, reason: String, message: String, observedGeneration: Int64? = nil,
    now: Timestamp
  ) -> Bool {
    set(
      Condition(
        type: type, status: status, reason: reason, message: message, observedGeneration: observedGeneration,
        lastTransitionTime: now))
  }

  /// Removes the condition of this type. Returns whether it was there.
  @discardableResult
  public mutating func remove(type: String) -> Bool {
    guard let index = firstIndex(where: { $0.type == type }) else { return false }
    remove(at: index)
    return true
  }

  /// These conditions with `others` set one after the other; types that `others` lacks stay.
  public func merging(_ others: [Condition]) -> [Condition] {
    var merged = self
    for condition in others { merged.set(condition) }
    return merged
  }
}
