import Foundation
package import KubeModel
import TidemarkAPI

/// How a cluster runs steps.
public struct KubernetesStepSettings: Sendable {
  /// The image with this program.
  public var image: String
  /// What the cluster's owner wants of the pods.
  public var template: PodTemplate
  /// How long a step may take, waiting for a node included, before its Job is ended. `wal-receive` has no end.
  public var deadline: Duration
  /// How long a Job that nobody discards stays after its end, where the cluster has a TTL controller (Kubernetes 1.23).
  public var keptFor: Duration = .seconds(24 * 3600)

  /// Steps from `image`, each within `deadline`.
  public init(image: String, template: PodTemplate = .empty, deadline: Duration = .seconds(24 * 3600)) {
    (self.image, self.template, self.deadline) = (image, template, deadline)
  }
}

/// The objects that a run is made of: a ConfigMap with its input, a Secret with its secrets, and what runs it.
///
/// Every step but `wal-receive` is a Job of one pod that is never started again by the cluster: how often a step is tried
/// is the controller's to decide, and what it failed with is its to tell.
///
/// `wal-receive` is a Deployment of one replica with the strategy Recreate. Two of it may be at work for a moment, as
/// when a node is cut off and its pod is replaced: a replication slot feeds one connection at a time, so the server sends
/// the second one away, and what an isolated first one still stores is made of conditional PUTs, which never replace an
/// object: the same bytes are success for both, and other bytes are an error.
package struct StepManifests {
  package let request: StepRequest
  package let settings: KubernetesStepSettings

  /// Where the program lies in the image.
  package static let program = "/usr/local/bin/tidemark"
  /// Where a pod finds its input and, in `secrets`, its secrets.
  package static let folder = "/etc/tidemark/step"
  /// Where the kubelet takes a container's termination message from.
  package static let terminationLog = "/dev/termination-log"
  /// The key of the input in the ConfigMap.
  package static let inputKey = "input.json"

  /// The objects for `request`.
  package init(_ request: StepRequest, _ settings: KubernetesStepSettings) {
    (self.request, self.settings) = (request, settings)
  }

  // MARK: What it reads

  package var configMap: ConfigMap {
    ConfigMap(metadata: metadata(), data: [Self.inputKey: String(decoding: request.input, as: UTF8.self)])
  }

  package var secret: Secret {
    Secret(metadata: metadata(), type: "Opaque", data: request.secrets.mapValues { Data($0) })
  }

  // MARK: What runs it

  package var job: JobManifest {
    let spec: JSONValue = [
      "backoffLimit": 0, "activeDeadlineSeconds": .integer(max(1, settings.deadline.components.seconds)),
      "ttlSecondsAfterFinished": .integer(settings.keptFor.components.seconds),
      // A pod is replaced only when it has ended: two at once would be two snapshots. Before 1.28 not known, and dropped.
      "podReplacementPolicy": "Failed", "template": podTemplate(restartPolicy: "Never"),
    ]
    return JobManifest(metadata: metadata(madeOf: digest(spec)), spec: spec)
  }

  package var deployment: DeploymentManifest {
    let spec: JSONValue = [
      "replicas": 1, "strategy": ["type": "Recreate"], "revisionHistoryLimit": 1,
      "selector": ["matchLabels": [TidemarkLabel.run: .string(request.id.name)]],
      "template": podTemplate(restartPolicy: "Always"),
    ]
    return DeploymentManifest(metadata: metadata(madeOf: digest(spec)), spec: spec)
  }

  /// A digest of what the run is made of but for its secrets: those of a short secret would give it away to whoever may
  /// read Jobs.
  private func digest(_ spec: JSONValue) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Values made here always have a JSON form.
    let bytes = (try? encoder.encode(spec)).map { Array($0) } ?? []
    return Fingerprint.of([bytes, request.input])
  }

  /// What `job` or `deployment` says that it was made of.
  package var madeOf: String? {
    let metadata = request.step.runsUntilStopped ? deployment.metadata : job.metadata
    return metadata.annotations[TidemarkAnnotation.madeOf]
  }

  // MARK: Metadata

  private var labels: [String: String] {
    [
      "app.kubernetes.io/name": "tidemark", "app.kubernetes.io/component": "step",
      "app.kubernetes.io/managed-by": "tidemark", TidemarkLabel.step: request.step.rawValue,
      TidemarkLabel.run: request.id.name,
    ]
  }

  private func metadata(madeOf digest: String? = nil) -> ObjectMeta {
    var annotations = [TidemarkAnnotation.serves: request.subject.mark]
    annotations[TidemarkAnnotation.madeOf] = digest
    return ObjectMeta(
      name: request.id.name, namespace: request.id.namespace, labels: labels, annotations: annotations,
      ownerReferences: [request.subject.ownerReference].compactMap { $0 })
  }

  // MARK: The pod

  /// Defaults, on them what the cluster's owner wants, on that what a step depends on.
  private func podTemplate(restartPolicy: JSONValue) -> JSONValue {
    let rights = PodRights(volumes: request.volumes, template: settings.template)
    let defaults: JSONValue = [
      "spec": [
        "serviceAccountName": .string(StepAccount.name), "terminationGracePeriodSeconds": 60,
        "securityContext": rights.podDefaults,
        "containers": [
          [
            "name": .string(PodTemplate.container), "imagePullPolicy": "IfNotPresent",
            "resources": ["requests": ["cpu": "100m", "memory": "192Mi"]],
            "securityContext": [
              "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": rights.capabilities,
            ],
          ]
        ],
        "volumes": [["name": "scratch"]],
      ]
    ]
    let template = defaults.merged(with: settings.template.fields).merged(with: required(restartPolicy))
    return withScratch(template.merged(with: ["spec": ["securityContext": rights.podRequirements]]))
  }

  private func required(_ restartPolicy: JSONValue) -> JSONValue {
    var spec: [String: JSONValue] = [
      "restartPolicy": restartPolicy, "enableServiceLinks": false,
      "automountServiceAccountToken": .bool(request.step.reportsProgress), "containers": [container],
      "volumes": .array([projection] + volumes),
    ]
    if let node = request.volumes.lazy.compactMap(\.node).first { spec["affinity"] = Self.affinity(to: node) }
    return [
      "metadata": [
        "labels": .object(labels.mapValues { .string($0) }),
        "annotations": [TidemarkAnnotation.serves: .string(request.subject.mark)],
      ],
      "spec": .object(spec),
    ]
  }

  private var container: JSONValue {
    var mounts: [JSONValue] = [
      ["name": "run", "mountPath": .string(Self.folder), "readOnly": true], ["name": "scratch", "mountPath": "/tmp"],
    ]
    for (index, volume) in request.volumes.enumerated() {
      mounts.append([
        "name": .string("volume-\(index)"), "mountPath": .string(volume.mountPath),
        "readOnly": .bool(volume.access == .readOnly),
      ])
    }
    return [
      "name": .string(PodTemplate.container), "image": .string(settings.image),
      "command": [
        .string(Self.program), "step", .string(request.step.rawValue), "--input",
        .string("\(Self.folder)/\(Self.inputKey)"), "--termination-message", .string(Self.terminationLog),
      ],
      "args": [], "env": [["name": "HOME", "value": "/tmp"], ["name": "TMPDIR", "value": "/tmp"]],
      "terminationMessagePath": .string(Self.terminationLog),
      // What ends without a word of its own leaves the end of its log.
      "terminationMessagePolicy": "FallbackToLogsOnError",
      "volumeMounts": .array(mounts),
    ]
  }

  /// Input and secrets side by side, as the input names them.
  private var projection: JSONValue {
    let secrets: [JSONValue] = request.secrets.keys.sorted().map { name in
      ["key": .string(name), "path": .string("\(StepRequest.secretsFolder)/\(name)")]
    }
    let name = JSONValue.string(request.id.name)
    let input: JSONValue = ["key": .string(Self.inputKey), "path": .string(Self.inputKey)]
    var sources: [JSONValue] = [["configMap": ["name": name, "items": [input]]]]
    if !secrets.isEmpty { sources.append(["secret": ["name": name, "items": .array(secrets)]]) }
    return [
      "name": "run",
      "projected": [
        // Without a group of its own a pod's user reads as one of the others; nobody else sees these files.
        "defaultMode": PodRights.ownsFiles(request.volumes) ? 0o440 : 0o444,
        "sources": .array(sources),
      ],
    ]
  }

  private var volumes: [JSONValue] {
    request.volumes.enumerated().map { index, volume in
      [
        "name": .string("volume-\(index)"),
        "persistentVolumeClaim": [
          "claimName": .string(volume.claim), "readOnly": .bool(volume.access == .readOnly),
        ],
      ]
    }
  }

  /// Gives the volume `scratch` a form unless the template gave it one, and leaves out what is null.
  private func withScratch(_ template: JSONValue) -> JSONValue {
    guard case .array(let volumes)? = template["spec"]?["volumes"] else { return template }
    let formed = volumes.map { volume -> JSONValue in
      guard volume == ["name": "scratch"] else { return volume }
      return ["name": "scratch", "emptyDir": [:]]
    }
    return template.merged(with: ["spec": ["volumes": .array(formed)]]).withoutNulls
  }

  private static func affinity(to node: String) -> JSONValue {
    let name: JSONValue = ["key": "metadata.name", "operator": "In", "values": [.string(node)]]
    return [
      "nodeAffinity": [
        "requiredDuringSchedulingIgnoredDuringExecution": ["nodeSelectorTerms": [["matchFields": [name]]]]
      ]
    ]
  }
}

/// A Job as it is created.
package struct JobManifest: KubeResource {
  package static let resource = Job.resource
  package var metadata: ObjectMeta
  package var spec: JSONValue
}

/// A Deployment as it is created.
package struct DeploymentManifest: KubeResource {
  package static let resource = Deployment.resource
  package var metadata: ObjectMeta
  package var spec: JSONValue
}

extension StepName {
  /// Whether it goes on until it is told to stop.
  package var runsUntilStopped: Bool { self == .walReceive }

  /// Whether it writes to the status of what it serves, and so needs an account at the API server.
  var reportsProgress: Bool {
    switch self {
    case .forget, .discover: false
    default: true
    }
  }
}

extension JSONValue {
  /// Without the fields that are null.
  fileprivate var withoutNulls: JSONValue {
    switch self {
    case .object(let fields): .object(fields.filter { $0.value != .null }.mapValues(\.withoutNulls))
    case .array(let items): .array(items.map(\.withoutNulls))
    default: self
    }
  }
}
