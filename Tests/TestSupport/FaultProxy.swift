import NIOCore
import NIOPosix
import Synchronization

/// A TCP proxy on 127.0.0.1 before a real server, which a test makes fail at an exact byte.
///
/// Connections are numbered from 1 in the order in which they came; a rule gives each its fault when it comes.
/// Without a rule all is forwarded as it is. The proxy reads no further than the other side takes, so that slow
/// readers are felt by the sender.
public final class FaultProxy: Sendable {
  private struct State {
    var rule: @Sendable (Int) -> Fault = { _ in .none }
    var connections = 0
    var links: [Int: NIOLoopBound<FaultLink>] = [:]
    var listener: (any Channel)?
  }

  /// Where clients connect to.
  public let host = "127.0.0.1"
  /// The port that clients connect to.
  public let port: Int

  private let target: (host: String, port: Int)
  private let group: MultiThreadedEventLoopGroup
  private let state = Mutex(State())
  private let traffic = FaultTraffic()

  private init(port: Int, target: (host: String, port: Int), group: MultiThreadedEventLoopGroup) {
    self.port = port
    self.target = target
    self.group = group
  }

  /// Starts a proxy on a free port. End it with `stop()`.
  public static func start(to port: Int, host: String = "127.0.0.1") async throws -> FaultProxy {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)  // one: both halves of a link share its loop
    // The port has to be known before the proxy that serves it: a first listener finds one and makes room.
    let finder = try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
    let free = finder.localAddress?.port ?? 0
    try await finder.close()
    let proxy = FaultProxy(port: free, target: (host, port), group: group)
    try await proxy.listen()
    return proxy
  }

  /// How many connections came so far.
  public var connectionCount: Int { state.withLock { $0.connections } }
  /// How many are open now.
  public var openConnections: Int { state.withLock { $0.links.count } }
  /// Bytes that were forwarded in a direction, over all connections.
  public func forwarded(_ direction: Direction) -> Int { traffic.forwarded(direction) }

  /// All connections from now on get this fault.
  public func inject(_ fault: Fault) { rule { _ in fault } }

  /// The next connections get these faults, one each; those after them are forwarded as they are.
  public func injectNext(_ faults: Fault...) {
    let seen = connectionCount
    rule { number in
      let place = number - seen - 1
      return faults.indices.contains(place) ? faults[place] : .none
    }
  }

  /// From now on the fault of a connection is what `rule` says for its number.
  public func rule(_ rule: @escaping @Sendable (Int) -> Fault) { state.withLock { $0.rule = rule } }

  /// Resets all connections that are open.
  public func resetConnections() { forEachLink { $0.end(.reset) } }

  /// Holds back all bytes of the connections that are open, until `releaseConnections()`.
  public func stallConnections() { forEachLink { $0.stall() } }

  /// Lets stalled connections go on, those of a `Fault.stall` too, without losing a byte.
  public func releaseConnections() { forEachLink { $0.release() } }

  /// Closes the port: new clients get 'connection refused'. Open connections stay.
  public func closePort() async throws {
    let listener = state.withLock { state in
      defer { state.listener = nil }
      return state.listener
    }
    try await listener?.close()
  }

  /// Opens the port again.
  public func openPort() async throws {
    guard state.withLock({ $0.listener == nil }) else { return }
    try await listen()
  }

  /// Closes the port and all connections.
  public func stop() async throws {
    try await closePort()
    resetConnections()
    try await group.shutdownGracefully()
  }

  private func listen() async throws {
    let listener = try await ServerBootstrap(group: group)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelOption(.backlog, value: 256)
      .childChannelOption(.autoRead, value: false)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { client in self.accept(client) }
      .bind(host: host, port: port).get()
    state.withLock { $0.listener = listener }
  }

  private func accept(_ client: any Channel) -> EventLoopFuture<Void> {
    let (number, rule) = state.withLock { state in
      state.connections += 1
      return (state.connections, state.rule)
    }
    let fault = rule(number)
    let link = FaultLink(client: client, fault: fault, traffic: traffic)
    let bound = NIOLoopBound(link, eventLoop: client.eventLoop)
    if case .refuse = fault {
      return client.eventLoop.submit { bound.value.end(.reset) }
    }
    state.withLock { $0.links[number] = bound }
    client.closeFuture.whenComplete { _ in
      self.state.withLock { _ = $0.links.removeValue(forKey: number) }
    }
    do {
      try client.pipeline.syncOperations.addHandler(FaultPipe(.toServer, link))
    } catch {
      return client.eventLoop.makeFailedFuture(error)
    }
    connect(bound, on: client.eventLoop)
    return client.eventLoop.makeSucceededVoidFuture()
  }

  private func connect(_ link: NIOLoopBound<FaultLink>, on loop: any EventLoop) {
    ClientBootstrap(group: loop)
      .channelOption(.autoRead, value: false)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelInitializer { server in
        server.eventLoop.makeCompletedFuture {
          try server.pipeline.syncOperations.addHandler(FaultPipe(.toClient, link.value))
        }
      }
      .connect(host: target.host, port: target.port)
      .whenComplete { result in
        switch result {
        case .success(let server): link.value.start(server)
        case .failure: link.value.end(.reset)
        }
      }
  }

  private func forEachLink(_ body: @escaping @Sendable (FaultLink) -> Void) {
    for link in state.withLock({ Array($0.links.values) }) {
      link.eventLoop.execute { body(link.value) }
    }
  }
}
