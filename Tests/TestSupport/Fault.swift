import Synchronization

extension FaultProxy {
  /// Which way bytes go.
  public enum Direction: Sendable {
    case toServer
    case toClient
  }

  /// What happens to a connection. `after` counts the bytes forwarded in the direction named; exactly so many
  /// arrive. With 0 it happens before the first.
  public enum Fault: Sendable {
    /// All is forwarded.
    case none
    /// Taken, and reset at once. (For 'connection refused' see `closePort()`.)
    case refuse
    /// Both ends see a reset.
    case reset(after: Int, Direction)
    /// Both ends see an end of the stream, as if the other had closed in good order.
    case close(after: Int, Direction)
    /// Bytes in this direction are held back until `releaseConnections()`; the connection stays open.
    case stall(after: Int, Direction)
    /// So many bytes a second in this direction.
    case bandwidth(bytesPerSecond: Int, Direction)
    /// One bit of the byte behind the first place where `mark` is seen within one read changes on its way.
    case flipBit(after: [UInt8], Direction)
  }
}

/// Counts what was forwarded.
final class FaultTraffic: Sendable {
  private let toServer = Atomic<Int>(0)
  private let toClient = Atomic<Int>(0)

  func add(_ bytes: Int, _ direction: FaultProxy.Direction) {
    switch direction {
    case .toServer: toServer.add(bytes, ordering: .relaxed)
    case .toClient: toClient.add(bytes, ordering: .relaxed)
    }
  }

  func forwarded(_ direction: FaultProxy.Direction) -> Int {
    switch direction {
    case .toServer: toServer.load(ordering: .relaxed)
    case .toClient: toClient.load(ordering: .relaxed)
    }
  }
}
