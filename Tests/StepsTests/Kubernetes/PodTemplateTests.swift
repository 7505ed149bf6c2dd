import KubeModel
import Steps
import Testing

@Suite("A template for the pods of steps")
struct PodTemplateTests {
  @Test("a cluster's owner sets labels, places, rights and resources; what a step depends on stays")
  func merged() throws {
    var settings = StepManifestTests.Values.settings
    settings.template = try PodTemplate(
      yaml: """
        metadata:
          labels: { team: storage, tidemark.dev/run: mine, cost: "007" }
          annotations: { sidecar.istio.io/inject: "false" }
        spec:
          nodeSelector: { disk: fast }
          tolerations: [{ key: backup, operator: Exists }]
          imagePullSecrets: [{ name: registry }]
          serviceAccountName: backups
          restartPolicy: OnFailure
          securityContext: { runAsUser: 1000 }
          containers:
          - name: step
            image: other
            args: [--verbose]
            resources: { limits: { memory: 1Gi } }
            env: [{ name: TIDEMARK_LOG_LEVEL, value: debug }]
          volumes:
          - name: scratch
            emptyDir: { sizeLimit: 1Gi }
        """)
    let job = StepManifests(StepManifestTests.Values.request(), settings).job
    let template = try #require(job.spec["template"])
    let labels = try #require(template.at("metadata", "labels"))
    #expect(labels["team"] == "storage" && labels["cost"] == "007")
    #expect(labels["tidemark.dev/run"] == "base-backup-1")
    #expect(template.at("metadata", "annotations")?["sidecar.istio.io/inject"] == "false")
    let pod = try #require(template["spec"])
    #expect(pod["nodeSelector"] == ["disk": "fast"])
    #expect(pod["serviceAccountName"] == "backups" && settings.template.serviceAccount == "backups")
    #expect(pod["restartPolicy"] == "Never")
    #expect(pod["securityContext"]?["runAsUser"] == 1000 && pod["securityContext"]?["runAsNonRoot"] == true)
    #expect(pod["tolerations"] == [["key": "backup", "operator": "Exists"]])
    let step = try #require(pod.named("step", in: "containers"))
    #expect(step["image"] == "tidemark:dev" && step["args"] == [])
    #expect(step["resources"]?["limits"] == ["memory": "1Gi"])
    #expect(step["resources"]?["requests"] == ["cpu": "100m", "memory": "192Mi"])
    #expect(step.named("TIDEMARK_LOG_LEVEL", in: "env")?["value"] == "debug")
    #expect(step.named("TMPDIR", in: "env")?["value"] == "/tmp")
    #expect(pod.named("scratch", in: "volumes")?["emptyDir"] == ["sizeLimit": "1Gi"])
  }

  @Test("nothing is a template that asks for nothing", arguments: ["", "null", "# only a comment\n", "{}"])
  func empty(_ yaml: String) throws {
    let template = try PodTemplate(yaml: yaml)
    #expect(template == .empty || template.serviceAccount == nil)
  }

  @Test(
    "what is no template is refused, and told what would be right",
    arguments: [
      ("spec: [", "no YAML"), ("- a\n", "expected an object"), ("template: {}\n", "'template'"),
      ("spec: text\n", "expected an object"), ("spec: { containers: [{ name: proxy }] }", "'proxy'"),
      ("spec: { initContainers: [{ name: step }] }", "initContainers"),
    ])
  func refused(_ yaml: String, _ part: String) {
    let error = #expect(throws: StepError.self) { try PodTemplate(yaml: yaml) }
    #expect(error?.code == .invalidInput && error?.message.contains(part) == true, "\(error?.message ?? "")")
  }
}
