import Foundation
package import HTTPTypes
import Hummingbird

/// One line of the contract's table: a method and a path, and what answers it.
package struct Route: Sendable {
  typealias Handler = @Sendable (Endpoints, Call) async throws -> Answer

  /// How much is read of a body before the handler sees it.
  package let method: HTTPRequest.Method
  /// The path as in the contract, with `:id` in place of an id.
  package let path: String
  let handler: Handler
  private let segments: [Substring]

  init(_ method: HTTPRequest.Method, _ path: String, _ handler: @escaping Handler) {
    (self.method, self.path, self.handler) = (method, path, handler)
    segments = path.split(separator: "/")
  }

  /// The id, where the path is this route's; empty for a route without one. An id may be two segments,
  /// `namespace/name`: written with `%2F`, or plainly, which `isPlain` says.
  func match(_ path: [String]) -> (id: String, isPlain: Bool)? {
    guard let place = segments.firstIndex(of: ":id") else {
      return segments.elementsEqual(path, by: ==) ? ("", false) : nil
    }
    let extra = path.count - segments.count
    guard extra == 0 || extra == 1, path.prefix(place).elementsEqual(segments.prefix(place), by: ==),
      path.dropFirst(place + 1 + extra).elementsEqual(segments.dropFirst(place + 1), by: ==)
    else { return nil }
    return (path[place...(place + extra)].joined(separator: "/"), extra == 1)
  }
}

/// The routes below a base path.
package struct Router: Sendable {
  package static let base = "/api/v1"

  package enum Match {
    case route(Route, id: String)
    /// The path is known, and not with this method.
    case otherMethods([HTTPRequest.Method])
    case nothing
  }

  package let routes: [Route]

  /// Finds the route. An id of one segment is preferred over one of two, so that `/backup-schedules/nightly/run` runs.
  package func find(_ method: HTTPRequest.Method, _ path: String) -> Match {
    guard path.hasPrefix(Self.base + "/"), let segments = Self.segments(path.dropFirst(Self.base.count)) else {
      return .nothing
    }
    let all = routes.compactMap { route in
      route.match(segments).map { (route: route, id: $0.id, isPlain: $0.isPlain) }
    }
    let whole = all.filter { !$0.isPlain }
    let matches = whole.isEmpty ? all : whole
    if let match = matches.first(where: { $0.route.method == method }) { return .route(match.route, id: match.id) }
    return matches.isEmpty ? .nothing : .otherMethods(matches.map(\.route.method))
  }

  /// The decoded segments; nil where one is empty or no UTF-8.
  private static func segments(_ path: Substring) -> [String]? {
    var segments: [String] = []
    for segment in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
      guard let decoded = segment.removingPercentEncoding, !decoded.isEmpty else { return nil }
      segments.append(decoded)
    }
    return segments
  }
}
