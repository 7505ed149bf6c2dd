/// The bounds within which a client works.
public struct KubeClientSettings: Sendable, Hashable {
  /// What the server's audit log calls us.
  public var userAgent: String
  /// How long a connection may take to come about, TLS included.
  public var connectTimeout: Duration = .seconds(10)
  /// How long one try of a request may take, its whole answer included. Watches are not bound by it.
  public var requestTimeout: Duration = .seconds(30)
  /// How long one page of a list may take.
  public var listTimeout: Duration = .seconds(60)
  /// How long a watch may be silent before it counts as broken: longer than the longest watch that is asked for, so
  /// that it only ever ends what the server should have ended.
  public var watchIdleTimeout: Duration = .seconds(660)
  /// How many bytes the answer about one object may have. The server itself takes 3 MiB at most.
  public var objectLimit = 16 << 20
  /// How many bytes one page of a list may have.
  public var listLimit = 256 << 20
  /// How many bytes one event of a watch may have.
  public var eventLimit = 8 << 20
  /// How many connections serve requests at once; further requests wait.
  public var connectionLimit = 8
  /// How many watches are open at once; further ones wait.
  public var watchLimit = 64

  /// The defaults that stand at each bound.
  public init(userAgent: String = "tidemark/0.1.0") { self.userAgent = userAgent }
}
