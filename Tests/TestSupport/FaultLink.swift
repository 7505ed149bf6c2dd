import Glibc
import NIOCore

/// One client's connection and the proxy's own to the server. Lives on one event loop.
final class FaultLink {
  enum End {
    case reset
    case close
  }

  /// What happens when `allowance` bytes have passed in a direction.
  private enum Limit {
    case end(End)
    case stall
  }

  /// One direction of the link.
  private struct Lane {
    var allowance = Int.max
    var limit: Limit?
    var bytesPerSecond: Int?
    /// Behind these bytes a bit is to be changed, once.
    var mark: [UInt8]?
    /// With a limited bandwidth: when what was forwarded so far has had its time.
    var busyUntil = NIODeadline.uptimeNanoseconds(0)
    /// The sender's half was closed while the lane was stalled.
    var inputEnded = false
    /// Bytes that came while the lane was stalled.
    var held: ByteBuffer?
    var stalled = false

    mutating func hold(_ bytes: ByteBuffer) {
      var bytes = bytes
      if held == nil { held = bytes } else { held?.writeBuffer(&bytes) }
    }
  }

  private let client: any Channel
  private var server: (any Channel)?
  private var toServer = Lane()
  private var toClient = Lane()
  private var ended = false
  private let traffic: FaultTraffic

  init(client: any Channel, fault: FaultProxy.Fault, traffic: FaultTraffic) {
    self.client = client
    self.traffic = traffic
    switch fault {
    case .none, .refuse: break
    case .reset(let bytes, let direction): arm(direction, bytes, .end(.reset))
    case .close(let bytes, let direction): arm(direction, bytes, .end(.close))
    case .stall(let bytes, let direction): arm(direction, bytes, .stall)
    case .bandwidth(let rate, let direction): change(direction) { $0.bytesPerSecond = max(1, rate) }
    case .flipBit(let mark, let direction): change(direction) { $0.mark = mark }
    }
  }

  /// The server's side is connected: bytes may flow.
  func start(_ server: any Channel) {
    self.server = server
    guard !ended else { return closeBoth(.reset) }
    for direction in [FaultProxy.Direction.toServer, .toClient] {
      if lane(direction).allowance == 0 { reachLimit(direction) }
      if !ended && !lane(direction).stalled { source(direction)?.read() }
    }
  }

  /// Passes on what came, as far as the rule lets it, and asks for more when the other side has taken it.
  func forward(_ bytes: ByteBuffer, _ direction: FaultProxy.Direction) {
    guard !ended, let sink = sink(direction) else { return }
    if lane(direction).stalled { return change(direction) { $0.hold(bytes) } }
    var rest = flipped(bytes, direction)
    let count = min(rest.readableBytes, lane(direction).allowance)
    guard let part = rest.readSlice(length: count) else { return }
    if lane(direction).limit != nil { change(direction) { $0.allowance -= count } }
    traffic.add(count, direction)
    let written = sink.writeAndFlush(part)
    guard lane(direction).allowance == 0 else {
      return readOn(direction, after: written, forwarded: count)
    }
    if rest.readableBytes > 0 { change(direction) { $0.hold(rest) } }
    if case .stall = lane(direction).limit { return reachLimit(direction) }
    let link = NIOLoopBound(self, eventLoop: client.eventLoop)
    written.whenComplete { _ in link.value.reachLimit(direction) }
  }

  /// The sender closed its half, or all.
  func inputEnded(_ direction: FaultProxy.Direction) {
    guard !lane(direction).stalled else { return change(direction) { $0.inputEnded = true } }
    sink(direction)?.close(mode: .output, promise: nil)
  }

  /// One side is gone: so is the other, but for what it still has to read.
  func sideClosed(_ direction: FaultProxy.Direction) {
    guard !lane(direction).stalled else { return change(direction) { $0.inputEnded = true } }
    ended = true
    sink(direction)?.close(promise: nil)
  }

  func stall() {
    toServer.stalled = true
    toClient.stalled = true
  }

  func release() {
    for direction in [FaultProxy.Direction.toServer, .toClient] {
      guard lane(direction).stalled else { continue }
      let before = lane(direction)
      change(direction) { $0 = Lane(bytesPerSecond: before.bytesPerSecond) }
      if let held = before.held {
        forward(held, direction)
      } else {
        source(direction)?.read()
      }
      if before.inputEnded { inputEnded(direction) }
    }
  }

  /// Ends both sides.
  func end(_ end: End) {
    guard !ended else { return }
    ended = true
    closeBoth(end)
  }

  private func closeBoth(_ end: End) {
    for channel in [client, server].compactMap({ $0 }) {
      if end == .reset, let options = channel as? any SocketOptionProvider {
        // With a linger time of zero the kernel sends RST in place of FIN.
        options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in channel.close(promise: nil) }
      } else {
        channel.close(promise: nil)
      }
    }
  }

  private func reachLimit(_ direction: FaultProxy.Direction) {
    switch lane(direction).limit {
    case .end(let end): self.end(end)
    case .stall: change(direction) { $0.stalled = true }
    case nil: break
    }
  }

  private func readOn(_ direction: FaultProxy.Direction, after written: EventLoopFuture<Void>, forwarded count: Int) {
    let link = NIOLoopBound(self, eventLoop: client.eventLoop)
    change(direction) { lane in
      guard let rate = lane.bytesPerSecond else { return }
      let cost = TimeAmount.nanoseconds(Int64(Double(count) / Double(rate) * 1e9))
      lane.busyUntil = max(lane.busyUntil, .now()) + cost
    }
    let free = lane(direction).busyUntil
    written.whenSuccess {
      guard free > .now() else { return link.value.readMore(direction) }
      link.eventLoop.scheduleTask(deadline: free) { link.value.readMore(direction) }
    }
  }

  private func readMore(_ direction: FaultProxy.Direction) {
    guard !ended, !lane(direction).stalled, lane(direction).busyUntil <= .now() else { return }
    source(direction)?.read()
  }

  /// `bytes`, with a bit changed where that is due.
  private func flipped(_ bytes: ByteBuffer, _ direction: FaultProxy.Direction) -> ByteBuffer {
    guard let mark = lane(direction).mark, let found = bytes.readableBytesView.firstRange(of: mark),
      let byte = bytes.getInteger(at: found.upperBound, as: UInt8.self), found.upperBound < bytes.writerIndex
    else { return bytes }
    change(direction) { $0.mark = nil }
    var changed = bytes
    changed.setInteger(byte ^ 1, at: found.upperBound)
    return changed
  }

  private func arm(_ direction: FaultProxy.Direction, _ bytes: Int, _ limit: Limit) {
    change(direction) { lane in
      lane.allowance = max(0, bytes)
      lane.limit = limit
    }
  }

  private func lane(_ direction: FaultProxy.Direction) -> Lane { direction == .toServer ? toServer : toClient }

  private func change(_ direction: FaultProxy.Direction, _ body: (inout Lane) -> Void) {
    switch direction {
    case .toServer: body(&toServer)
    case .toClient: body(&toClient)
    }
  }

  private func source(_ direction: FaultProxy.Direction) -> (any Channel)? { direction == .toServer ? client : server }

  private func sink(_ direction: FaultProxy.Direction) -> (any Channel)? { direction == .toServer ? server : client }
}

/// One side's handler: gives what comes in to the link.
final class FaultPipe: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let direction: FaultProxy.Direction
  private let link: FaultLink

  init(_ direction: FaultProxy.Direction, _ link: FaultLink) {
    self.direction = direction
    self.link = link
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    link.forward(unwrapInboundIn(data), direction)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .some(.inputClosed) = event as? ChannelEvent { link.inputEnded(direction) }
    context.fireUserInboundEventTriggered(event)
  }

  func channelInactive(context: ChannelHandlerContext) {
    link.sideClosed(direction)
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    link.end(.reset)
  }
}
