import Controllers
import KubeModel
import Testing
import TidemarkAPI

@Suite("A copy of a workload")
struct WorkloadCopyTests {
  @Test("it has claims and labels of its own, and the rest as it was")
  func spec() {
    let original: JSONValue = [
      "replicas": 0, "selector": ["matchLabels": ["app": "web", "tier": "front"]],
      "template": [
        "metadata": ["labels": ["app": "web", "tier": "front", "other": "x"], "annotations": ["a": "b"]],
        "spec": [
          "containers": [["name": "main", "image": "nginx"]],
          "volumes": [
            ["name": "data", "persistentVolumeClaim": ["claimName": "data"]], ["name": "tmp", "emptyDir": [:]],
          ],
        ],
      ],
    ]
    let copy = WorkloadCopy.spec(of: original, name: "web2", claims: ["data": "web2-data"], replicas: 3)
    let labels: JSONValue = ["app": "web2", "tier": "web2", "tidemark.dev/copy": "web2"]
    #expect(
      copy == [
        "replicas": 3, "selector": ["matchLabels": labels],
        "template": [
          "metadata": ["labels": labels, "annotations": ["a": "b"]],
          "spec": [
            "containers": [["name": "main", "image": "nginx"]],
            "volumes": [
              ["name": "data", "persistentVolumeClaim": ["claimName": "web2-data"]], ["name": "tmp", "emptyDir": [:]],
            ],
          ],
        ],
      ])
  }

  @Test(
    "claims of a StatefulSet's pods are called as its controller will call them, others after the copy",
    arguments: [
      ("StatefulSet", "data-db-0", "data-db2-0"), ("StatefulSet", "shared", "db2-shared"),
      ("StatefulSet", "a-db-b-db-1", "a-db-b-db2-1"), ("Deployment", "data-db-0", "db2-data-db-0"),
    ])
  func claims(_ kind: String, _ claim: String, _ expected: String) {
    let original = WorkloadReference(kind: kind, name: "db")
    #expect(WorkloadCopy.claim(claim, of: original, for: "db2") == expected)
  }
}
