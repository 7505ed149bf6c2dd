import Foundation
public import KubeClient
import KubeModel
public import Logging
import PostgresEngine
package import TidemarkAPI

/// Holds instances in a cluster: each is a StatefulSet of one pod on a volume of its own, with a Service.
///
/// Its ConfigMap is the note that there is an instance; it comes first and goes last. What the StatefulSet mounts is
/// the instance's volume. Nothing has an owner: an instance outlives the PITRClone or RestoreRequest that made it, and
/// goes by ``remove(_:)``.
public struct KubernetesInstanceHost: InstanceHost {
  private let client: KubeClient
  private let settings: InstanceSettings
  private let stopBound: Duration
  private let reach: (@Sendable (InstanceID) -> Endpoint)?
  private let logger: Logger

  /// The annotation of a claim that says which incarnation's data it holds.
  private static let incarnation = "tidemark.dev/incarnation"
  private static let fieldManager = TidemarkGroup.controllerFieldManager

  /// Holds instances by `client`. A server that is stopped has `stopBound` to end.
  public init(client: KubeClient, settings: InstanceSettings, stopBound: Duration = .seconds(180), logger: Logger) {
    self.init(client: client, settings: settings, stopBound: stopBound, reach: nil, logger: logger)
  }

  /// The same, where instances are reached elsewhere than by their Services.
  package init(
    client: KubeClient, settings: InstanceSettings, stopBound: Duration = .seconds(180),
    reach: (@Sendable (InstanceID) -> Endpoint)?, logger: Logger
  ) {
    (self.client, self.settings, self.stopBound) = (client, settings, stopBound)
    (self.reach, self.logger) = (reach, logger)
  }

  // MARK: Places

  public func reserve(_ id: InstanceID, _ wish: InstanceWish) async throws -> InstancePlace {
    let manifests = manifests(id)
    let resources = try wish.template.resources.map {
      try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode($0))
    }
    let note = InstanceNote(database: wish.database, image: wish.template.image, resources: resources)
    try await apply(manifests.configuration(note))
    // Once there, a volume and certificates stay as they are.
    try await createOnce(manifests.claim(wish))
    try await createOnce(manifests.certificates())
    try await apply(manifests.archiveSecrets(wish.secrets))
    try await apply(manifests.service())
    var place = InstancePlace(
      dataDirectory: InstancePaths.data, recoveryDirectory: InstancePaths.recovery,
      restoreProgram: InstancePaths.restoreProgram)
    place.volume = StepVolume(
      claim: manifests.key.name, mountPath: InstancePaths.volume,
      owner: StepVolume.Owner(uid: InstanceUser.uid, gid: InstanceUser.gid), access: .readWrite)
    (place.secretsDirectory, place.authoritiesFile) = (InstancePaths.secrets, InstancePaths.authorities)
    return place
  }

  public func instances(of database: String, in namespace: String) async throws -> [InstanceID] {
    let selector = "\(InstanceManifests.componentLabel)=\(InstanceManifests.component)"
    let maps = try await client.listAll(ConfigMap.self, namespace: namespace, labelSelector: selector)
    return try maps.items.filter { try Self.note(in: $0).database == database }
      .compactMap { $0.metadata.labels[TidemarkLabel.instance] }
      .map { InstanceID(namespace: namespace, name: $0) }.sorted { $0.name < $1.name }
  }

  // MARK: Running

  public func start(_ id: InstanceID, serverMajor: Int) async throws {
    let manifests = manifests(id)
    guard let map = try await client.find(ConfigMap.self, manifests.configurationKey) else {
      throw StepError(code: .instanceFailed, message: "instance \(id) has no place; it must be reserved first")
    }
    let there = try await client.find(StatefulSet.self, manifests.key)
    // What runs is left as it is, also where a later version would write another pod.
    if let there, there.replicas > 0 { return }
    let claim = there?.claims[InstanceManifests.volume] ?? manifests.key.name
    guard try await !isMounted(claim, byAnotherThan: manifests) else {
      throw StepError(
        code: .instanceFailed,
        message: "claim \(claim) is another instance's since their volumes were exchanged, and the StatefulSet that "
          + "said which one is \(id)'s is gone; nothing was started")
    }
    try await apply(manifests.statefulSet(try Self.note(in: map), serverMajor: serverMajor, claim: claim))
    logger.info("instance started", metadata: ["instance": "\(id)", "volume": "\(claim)"])
  }

  public func state(of id: InstanceID, as role: InstanceRole) async throws -> InstanceState {
    let manifests = manifests(id)
    guard let set = try await client.find(StatefulSet.self, manifests.key), !set.metadata.isDeleting else {
      let claim = try await client.find(InstanceClaim.self, manifests.key)
      return claim == nil || claim?.metadata.isDeleting == true ? .absent : .stopped
    }
    let pod = try await client.find(Pod.self, manifests.podKey)
    guard set.replicas > 0 else { return pod == nil ? .stopped : .starting }
    guard let pod, pod.status?.phase == "Running", !pod.metadata.isDeleting else {
      return InstancePodSight.state(pod)
    }
    do {
      return try await server(id, role).observe()
    } catch let error as PostgresError where error.isTransient {
      return InstancePodSight.state(pod)
    } catch let error as PostgresError {
      throw FailedServerProbe(reason: error.code.rawValue, message: error.description)
    }
  }

  public func stop(_ id: InstanceID) async throws {
    let manifests = manifests(id)
    guard let set = try await client.find(StatefulSet.self, manifests.key) else { return }
    if set.replicas > 0 {
      try await client.mergePatch(
        StatefulSet.self, manifests.key, json: ["spec": ["replicas": 0]], fieldManager: Self.fieldManager)
      logger.info("instance is being stopped", metadata: ["instance": "\(id)"])
    }
    let clock = ContinuousClock()
    let deadline = clock.now + stopBound
    while let pod = try await client.find(Pod.self, manifests.podKey) {
      guard clock.now < deadline else {
        let node = pod.spec?.nodeName.map { " on node \($0)" } ?? ""
        throw StepError(
          code: .stillRunning,
          message: "pod \(manifests.podKey.name)\(node) does not end, so its server may still run. Where that node is "
            + "gone for good, delete the pod by kubectl delete pod --force")
      }
      try await Task.sleep(for: .milliseconds(500))
    }
  }

  // MARK: The server

  public func finishRecovery(_ id: InstanceID, role: InstanceRole) async throws {
    let manifests = manifests(id)
    // The server itself removes what recovery left on its volume: nobody else has it mounted.
    let clearing = "COPY (SELECT 1) TO PROGRAM 'rm -rf \(InstancePaths.recovery) && cat > /dev/null'"
    try await server(id, role).endRecovery(alsoRunning: clearing)
    _ = try await client.deleteIfPresent(Secret.self, manifests.archiveKey)
  }

  public func fence(of id: InstanceID, as role: InstanceRole) async throws -> Fence {
    try await server(id, role).fence()
  }

  /// The server, which takes our certificates for any role.
  private func server(_ id: InstanceID, _ role: InstanceRole) async throws -> InstanceServer {
    let manifests = manifests(id)
    let endpoint = reach?(id) ?? Endpoint(host: manifests.host, port: InstanceManifests.port)
    typealias Field = InstanceManifests.CertificateField
    guard let secret = try await client.find(Secret.self, manifests.certificatesKey),
      let certificate = secret.data[Field.authority], let key = secret.data[Field.authorityKey]
    else {
      throw StepError(
        code: .instanceFailed,
        message: "Secret \(manifests.certificatesKey.name), by which Tidemark enters instance \(id), is gone")
    }
    let authority = InstanceAuthority(
      identity: InstanceAuthority.Identity(certificate: Array(certificate), key: Array(key)))
    return InstanceServer(endpoint: endpoint, role: role) { user in
      let mine = try authority.issue(.client, name: user, lifetime: InstanceAuthority.day)
      return ServerEntry(
        endpoint, database: "template1", sslMode: .verifyCA, user: user, password: role.password
      ).byCertificate(mine.certificate, key: mine.key, authority: authority.identity.certificate)
    }
  }

  // MARK: Exchanging

  public func exchange(
    _ live: InstanceID, _ aside: InstanceID, incoming: String, outgoing: String
  ) async throws {
    let sets = (try await stopped(live), try await stopped(aside))
    let claims = (try Self.claim(of: sets.0), try Self.claim(of: sets.1))
    var notes: [String: String] = [:]
    let selector = "\(InstanceManifests.componentLabel)=\(InstanceManifests.component)"
    for claim in try await client.listAll(InstanceClaim.self, namespace: live.namespace, labelSelector: selector).items
    {
      notes[claim.key.name] = claim.metadata.annotations[Self.incarnation]
    }
    let exchange = try ClaimExchange.plan(
      live: claims.0, aside: claims.1, incoming: incoming, outgoing: outgoing, notes: notes)
    for (claim, incarnation) in exchange.notes.sorted(by: { $0.key < $1.key }) {
      try await client.mergePatch(
        InstanceClaim.self, ObjectKey(namespace: live.namespace, name: claim),
        json: ["metadata": ["annotations": [Self.incarnation: .string(incarnation)]]], fieldManager: Self.fieldManager)
    }
    for (set, claim) in [(sets.0, exchange.live), (sets.1, exchange.aside)] {
      guard let claim else { continue }
      try await client.jsonPatch(
        StatefulSet.self, set.key, try ClaimExchange.mounting(claim, in: set), fieldManager: Self.fieldManager)
    }
    logger.info("volumes exchanged", metadata: ["instance": "\(live)", "incarnation": "\(incoming)"])
  }

  /// The instance's StatefulSet; throws where a pod of it is wanted or there.
  private func stopped(_ id: InstanceID) async throws -> StatefulSet {
    let manifests = manifests(id)
    guard let set = try await client.find(StatefulSet.self, manifests.key) else {
      throw StepError(code: .instanceFailed, message: "instance \(id) was never started, or is gone")
    }
    guard set.replicas == 0, try await client.find(Pod.self, manifests.podKey) == nil else {
      throw StepError(code: .instanceFailed, message: "the server of instance \(id) runs; it must be stopped first")
    }
    return set
  }

  private static func claim(of set: StatefulSet) throws -> String {
    guard let claim = set.claims[InstanceManifests.volume] else {
      throw StepError(code: .instanceFailed, message: "StatefulSet \(set.key) mounts no volume of an instance")
    }
    return claim
  }

  // MARK: Removing

  public func remove(_ id: InstanceID) async throws {
    let manifests = manifests(id)
    // It comes first and goes last: without it, what has such a name is somebody else's.
    guard let map = try await client.find(ConfigMap.self, manifests.configurationKey),
      map.metadata.labels[TidemarkLabel.instance] == id.name
    else { return }
    try await stop(id)
    // The StatefulSet says which volume it is, so it goes after that.
    let claim = try await ownClaim(manifests)
    if let claim {
      _ = try await client.deleteIfPresent(
        InstanceClaim.self, ObjectKey(namespace: id.namespace, name: claim))
    }
    _ = try await client.deleteIfPresent(
      StatefulSet.self, manifests.key, options: DeleteOptions(propagation: .background))
    _ = try await client.deleteIfPresent(Service.self, manifests.key)
    for key in [manifests.archiveKey, manifests.certificatesKey] {
      _ = try await client.deleteIfPresent(Secret.self, key)
    }
    if try await client.deleteIfPresent(ConfigMap.self, manifests.configurationKey) {
      logger.info("instance removed", metadata: ["instance": "\(id)", "volume": "\(claim ?? "none")"])
    }
  }

  /// The instance's volume; nil where that is another's.
  private func ownClaim(_ manifests: InstanceManifests) async throws -> String? {
    let set = try await client.find(StatefulSet.self, manifests.key)
    let claim = try set.map { try Self.claim(of: $0) } ?? manifests.key.name
    return try await isMounted(claim, byAnotherThan: manifests) ? nil : claim
  }

  /// Whether the claim is another instance's: volumes are exchanged, and keep their names.
  private func isMounted(_ claim: String, byAnotherThan manifests: InstanceManifests) async throws -> Bool {
    let selector = "\(InstanceManifests.componentLabel)=\(InstanceManifests.component)"
    let instances = try await client.listAll(
      StatefulSet.self, namespace: manifests.id.namespace, labelSelector: selector)
    return instances.items.contains {
      $0.metadata.name != manifests.key.name && $0.claims[InstanceManifests.volume] == claim
    }
  }

  // MARK: Pieces

  private func manifests(_ id: InstanceID) -> InstanceManifests { InstanceManifests(id: id, settings: settings) }

  private func apply(_ object: some KubeResource) async throws {
    try await client.apply(object, fieldManager: Self.fieldManager, conflicts: .force)
  }

  private func createOnce(_ object: some KubeResource) async throws {
    do {
      try await client.create(object, fieldManager: Self.fieldManager)
    } catch let error as KubeError where error.isAlreadyExists {
      return
    }
  }

  private static func note(in map: ConfigMap) throws -> InstanceNote {
    guard let text = map.data?[InstanceNote.field] else {
      throw StepError(
        code: .instanceFailed, message: "ConfigMap \(map.key) of an instance has no field \(InstanceNote.field)")
    }
    return try JSONDecoder().decode(InstanceNote.self, from: Data(text.utf8))
  }
}
