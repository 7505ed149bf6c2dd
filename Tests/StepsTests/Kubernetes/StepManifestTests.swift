import Foundation
import KubeModel
import Steps
import Testing
import TidemarkAPI

@Suite("What a run is made of in a cluster")
struct StepManifestTests {
  @Test("a step is a Job of one pod that the cluster never starts again, with an end and an owner")
  func job() throws {
    let job = Values.manifests().job
    #expect(job.spec["backoffLimit"] == 0)
    #expect(job.spec["activeDeadlineSeconds"] == 86400)
    #expect(job.spec["ttlSecondsAfterFinished"] == 86400)
    #expect(job.spec.at("template", "spec")?["restartPolicy"] == "Never")
    #expect(job.metadata.name == "base-backup-1" && job.metadata.namespace == "demo")
    #expect(job.metadata.labels[TidemarkLabel.run] == "base-backup-1")
    #expect(job.metadata.labels[TidemarkLabel.step] == "base-backup")
    let owner = try #require(job.metadata.ownerReferences.first)
    #expect(owner.kind == "Backup" && owner.uid == "uid-1" && owner.controller == true)
    #expect(ServedMark(job.metadata) == ServedMark(Values.manifests().configMap.metadata))
    #expect(ServedMark(job.metadata)?.key == ObjectKey(namespace: "demo", name: "nightly"))
  }

  @Test("what outlives its resource is not owned by it: a deletion in the foreground would end it")
  func outlives() {
    let manifests = Values.manifests(.forget) { $0.subject.bond = .outlives }
    for metadata in [manifests.job.metadata, manifests.configMap.metadata, manifests.secret.metadata] {
      #expect(metadata.ownerReferences.isEmpty)
      #expect(ServedMark(metadata)?.uid == "uid-1")
    }
  }

  @Test("the receiver is a Deployment of one that is never two by its own doing")
  func receiver() {
    let deployment = Values.manifests(.walReceive).deployment
    #expect(deployment.spec["replicas"] == 1)
    #expect(deployment.spec["strategy"] == ["type": "Recreate"])
    let pods = deployment.spec.at("template", "metadata", "labels")
    #expect(pods?[TidemarkLabel.run] == deployment.spec.at("selector", "matchLabels")?[TidemarkLabel.run])
    #expect(deployment.spec.at("template", "spec")?["restartPolicy"] == "Always")
  }

  @Test("input and secrets lie side by side, as the input names them, and no secret stands anywhere but in the Secret")
  func files() throws {
    let manifests = Values.manifests()
    let pod = try #require(manifests.job.spec.at("template", "spec"))
    let run = try #require(pod.named("run", in: "volumes"))
    let sources: JSONValue = [
      ["configMap": ["name": "base-backup-1", "items": [["key": "input.json", "path": "input.json"]]]],
      ["secret": ["name": "base-backup-1", "items": [["key": "access-key-id", "path": "secrets/access-key-id"]]]],
    ]
    #expect(run["projected"]?["sources"] == sources)
    #expect(run["projected"]?["defaultMode"] == 0o440)
    let step = try #require(pod.named("step", in: "containers"))
    #expect(
      step["command"] == [
        "/usr/local/bin/tidemark", "step", "base-backup", "--input", "/etc/tidemark/step/input.json",
        "--termination-message", "/dev/termination-log",
      ])
    #expect(step["terminationMessagePolicy"] == "FallbackToLogsOnError")
    #expect(manifests.secret.data == ["access-key-id": Data(Values.secret.utf8)])
    #expect(manifests.configMap.data == ["input.json": #"{"a":1}"#])
    for bytes in [try JSONEncoder().encode(manifests.job), try JSONEncoder().encode(manifests.configMap)] {
      #expect(!String(decoding: bytes, as: UTF8.self).contains(Values.secret))
    }
  }

  @Test("a pod is one that the restricted standard of Pod Security takes")
  func restricted() throws {
    let pod = try #require(Values.manifests().job.spec.at("template", "spec"))
    let context = try #require(pod["securityContext"])
    #expect(context["runAsNonRoot"] == true && context["runAsUser"] == 65532)
    #expect(context["seccompProfile"] == ["type": "RuntimeDefault"])
    let container = try #require(pod.named("step", in: "containers")?["securityContext"])
    #expect(container["allowPrivilegeEscalation"] == false && container["readOnlyRootFilesystem"] == true)
    #expect(container["capabilities"] == ["drop": ["ALL"]])
    #expect(pod.named("scratch", in: "volumes") == ["name": "scratch", "emptyDir": [:]])
  }

  @Test("an account's token is only where a step writes to a status")
  func token() {
    for step in StepName.allCases {
      let manifests = Values.manifests(step)
      let spec = step == .walReceive ? manifests.deployment.spec : manifests.job.spec
      let wanted = ![.forget, .discover].contains(step)
      #expect(spec.at("template", "spec")?["automountServiceAccountToken"] == .bool(wanted), "\(step)")
    }
  }

  @Test("a volume's owner is as whom the step runs")
  func volumes() throws {
    let own = Values.manifests(.restoreDatabase) {
      $0.volumes = [
        StepVolume(claim: "data", mountPath: "/tidemark/instance", owner: StepVolume.Owner(uid: 999, gid: 998))
      ]
    }
    let pod = try #require(own.job.spec.at("template", "spec"))
    #expect(pod["securityContext"]?["runAsUser"] == 999 && pod["securityContext"]?["fsGroup"] == 998)
    #expect(
      pod.named("volume-0", in: "volumes")?["persistentVolumeClaim"] == ["claimName": "data", "readOnly": false])
  }

  @Test("somebody else's volume is read as root with no more rights than that takes, or as whom the template says")
  func foreignVolumes() throws {
    var foreign = Values.request()
    foreign.volumes = [StepVolume(claim: "app", mountPath: "/volumes/app", access: .readOnly, node: "n1")]
    let reader = try #require(StepManifests(foreign, Values.settings).job.spec.at("template", "spec"))
    #expect(reader["securityContext"]?["fsGroup"] == nil && reader["securityContext"]?["runAsUser"] == 0)
    #expect(reader["securityContext"]?["runAsNonRoot"] == false)
    #expect(reader.named("run", in: "volumes")?["projected"]?["defaultMode"] == 0o444)
    #expect(
      reader.named("volume-0", in: "volumes")?["persistentVolumeClaim"] == ["claimName": "app", "readOnly": true])
    #expect(reader.at("affinity", "nodeAffinity") != nil)
    #expect(
      reader.named("step", in: "containers")?.at("securityContext", "capabilities")
        == ["drop": ["ALL"], "add": ["CHOWN", "DAC_OVERRIDE", "FOWNER"]])
    var settings = Values.settings
    settings.template = try PodTemplate(yaml: "spec: { securityContext: { runAsUser: 1000, fsGroup: 1000 } }")
    let named = try #require(StepManifests(foreign, settings).job.spec.at("template", "spec"))
    #expect(named["securityContext"]?["runAsUser"] == 1000 && named["securityContext"]?["runAsNonRoot"] == true)
    #expect(named["securityContext"]?["fsGroup"] == nil, "their files stay theirs")
    #expect(named.named("step", in: "containers")?.at("securityContext", "capabilities") == ["drop": ["ALL"]])
  }

  @Test("a run is another one when its input, image or template is, and the digest tells nothing of its secrets")
  func madeOf() throws {
    let first = try #require(Values.manifests().madeOf)
    #expect(Values.manifests { $0.input = Array(#"{"a":2}"#.utf8) }.madeOf != first)
    #expect(Values.manifests { $0.secrets["access-key-id"] = [1] }.madeOf == first)
    var other = Values.settings
    other.image = "tidemark:next"
    #expect(StepManifests(Values.request(), other).madeOf != first)
    other = Values.settings
    other.template = try PodTemplate(yaml: "spec: { priorityClassName: low }")
    #expect(StepManifests(Values.request(), other).madeOf != first)
  }

  /// What tests make manifests of.
  enum Values {
    static let secret = "AKIAEXAMPLE"
    static let settings = KubernetesStepSettings(image: "tidemark:dev")

    static func request(_ step: StepName = .baseBackup) -> StepRequest {
      StepRequest(
        id: StepID(namespace: "demo", name: "\(step.rawValue)-1"),
        subject: StepSubject(apiVersion: TidemarkGroup.apiVersion, kind: "Backup", name: "nightly", uid: "uid-1"),
        step: step, input: Array(#"{"a":1}"#.utf8), secrets: ["access-key-id": Array(secret.utf8)])
    }

    static func manifests(
      _ step: StepName = .baseBackup, _ change: (inout StepRequest) -> Void = { _ in }
    ) -> StepManifests {
      var request = request(step)
      change(&request)
      return StepManifests(request, settings)
    }
  }
}

extension JSONValue {
  /// The value at a path of fields.
  func at(_ path: String...) -> JSONValue? { path.reduce(Optional(self)) { $0?[$1] } }

  /// The object of this name in a list.
  func named(_ name: String, in list: String) -> JSONValue? {
    guard case .array(let items)? = self[list] else { return nil }
    return items.first { $0["name"]?.text == name }
  }
}
