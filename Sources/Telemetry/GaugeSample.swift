/// One value of a gauge that is read when it is asked for, and remembered nowhere: a series that is not given any more
/// is gone.
public struct GaugeSample: Sendable, Equatable {
  /// The metric's name.
  public var name: String
  /// By label.
  public var labels: [String: String]
  /// In the unit that the name ends with.
  public var value: Double

  /// A sample of the gauge `name`.
  public init(name: String, labels: [String: String], value: Double) {
    (self.name, self.labels, self.value) = (name, labels, value)
  }
}
