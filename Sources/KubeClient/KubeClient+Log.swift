public import KubeModel
import NIOCore

extension KubeClient {
  /// The last lines that a container wrote to its standard output and error, as far as its node still has them.
  ///
  /// `isNotFound` where the pod is gone. Bytes that are no UTF-8 are replaced.
  public func log(of pod: ObjectKey, container: String, tailLines: Int) async throws -> String {
    var request = try APIRequest.about(
      Pod.self, "get", .get, namespace: pod.namespace, name: .object(pod.name), subresource: .log, repetition: .read,
      settings: settings)
    request.add("container", container)
    request.add("tailLines", "\(tailLines)")
    return String(buffer: try await exchange.perform(request))
  }
}
