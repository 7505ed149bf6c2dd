public import KubeClient
import KubeModel
import TidemarkAPI

/// The account that pods of Tidemark's run as, in each namespace where one runs.
///
/// A role binding gives it the ClusterRole of the same name, which an installation has: the status of our kinds, and
/// nothing else. The controller may hand out this one role, and no other (`bind`).
public struct StepAccount: Sendable {
  /// The name of the ServiceAccount, the RoleBinding and the ClusterRole.
  public static let name = "tidemark-step"

  private let client: KubeClient

  /// Accounts made through `client`.
  public init(client: KubeClient) { self.client = client }

  /// Makes the account and its binding in `namespace` where they are not there; what is there is left as it is.
  public func ensure(in namespace: String) async throws {
    let metadata = ObjectMeta(
      name: Self.name, namespace: namespace,
      labels: ["app.kubernetes.io/name": "tidemark", "app.kubernetes.io/managed-by": "tidemark"])
    try await createIfAbsent(ServiceAccount(metadata: metadata))
    try await createIfAbsent(
      RoleBinding(
        metadata: metadata, roleRef: RoleBinding.RoleRef(clusterRole: Self.name),
        subjects: [RoleBinding.Subject(serviceAccount: Self.name, in: namespace)]))
  }

  private func createIfAbsent<R: KubeResource>(_ object: R) async throws {
    guard try await client.find(R.self, object.key) == nil else { return }
    do {
      _ = try await client.create(object, fieldManager: TidemarkGroup.controllerFieldManager)
    } catch let error as KubeError where error.isAlreadyExists {
      // Another controller was faster, to the same end.
      return
    }
  }
}
