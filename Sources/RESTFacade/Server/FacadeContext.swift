import Hummingbird
import NIOCore

/// What a call knows of its connection.
struct FacadeContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  private let channel: any Channel

  init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
    channel = source.channel
  }

  /// The address of who is connected, without the port. Behind a proxy that is the proxy's: headers that say otherwise
  /// can be made up.
  var address: String { channel.remoteAddress?.ipAddress ?? "unknown" }

  /// Ends the connection soon: what is left of a body that was refused might be sent for ever.
  ///
  /// Not at once: a closed socket answers what still arrives with a reset, which may overtake the answer.
  func closeSoon() {
    let channel = channel
    channel.eventLoop.scheduleTask(in: .seconds(2)) { channel.close(promise: nil) }
  }
}
