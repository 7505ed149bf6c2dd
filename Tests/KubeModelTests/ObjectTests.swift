import Foundation
import KubeModel
import Testing

@Suite("Objects")
struct ObjectTests {
  @Test("metadata are read without managed fields, and empty strings count as absent")
  func metadata() throws {
    let json = #"""
      {"name": "x", "namespace": "", "uid": "u", "resourceVersion": "7", "generation": 3, "creationTimestamp": null,
       "managedFields": [{"manager": "kubectl"}], "labels": null, "finalizers": ["a/b"]}
      """#
    let metadata = try JSONDecoder().decode(ObjectMeta.self, from: Data(json.utf8))
    #expect(metadata.key == ObjectKey(namespace: nil, name: "x"))
    #expect(metadata.generation == 3 && metadata.labels.isEmpty && metadata.finalizers == ["a/b"])
    let written = String(decoding: try JSONEncoder().encode(metadata), as: UTF8.self)
    #expect(!written.contains("managedFields") && !written.contains("labels") && !written.contains("namespace"))
  }

  @Test("the values of a Secret never show in its description, dump or reflection")
  func secretIsRedacted() throws {
    let json = #"{"metadata": {"name": "s", "namespace": "n"}, "data": {"password": "aHVudGVyMg=="}}"#
    let secret = try JSONDecoder().decode(Secret.self, from: Data(json.utf8))
    #expect(secret.string("password") == "hunter2")
    var dumped = ""
    dump(secret, to: &dumped)
    for text in ["\(secret)", String(reflecting: secret), dumped, "\([secret])", "\(Optional(secret) as Any)"] {
      #expect(!text.contains("hunter2") && !text.contains("aHVudGVyMg"))
    }
    let again = try JSONDecoder().decode(Secret.self, from: try JSONEncoder().encode(secret))
    #expect(again == secret)
  }

  @Test("a Secret that is no base64 fails without quoting it")
  func brokenSecret() {
    let json = #"{"metadata": {"name": "s"}, "data": {"password": "!hunter2!"}}"#
    #expect {
      try JSONDecoder().decode(Secret.self, from: Data(json.utf8))
    } throws: { error in
      !describeDecodingFailure(error).contains("hunter2")
    }
  }

  @Test("one object that does not fit is set aside with its identity, and the others of the list are there")
  func listWithOneBadObject() throws {
    let json = #"""
      {"kind": "LeaseList", "metadata": {"resourceVersion": "9", "continue": "tok", "remainingItemCount": 4}, "items": [
        {"metadata": {"name": "a", "namespace": "n"}},
        {"metadata": {"name": "b", "namespace": "n", "resourceVersion": "5"}, "spec": {"leaseDurationSeconds": "soon"}},
        {"metadata": "none"},
        {"metadata": {"name": "c", "namespace": "n"}, "spec": {"renewTime": "2026-01-31T06:15:00.123456Z"}}]}
      """#
    let list = try JSONDecoder().decode(ResourceList<Lease>.self, from: Data(json.utf8))
    #expect(list.items.map(\.key.name) == ["a", "c"])
    #expect(list.metadata == ListMeta(resourceVersion: "9", continueToken: "tok", remainingItemCount: 4))
    #expect(list.undecodable.count == 2)
    #expect(list.undecodable[0].key == ObjectKey(namespace: "n", name: "b"))
    #expect(list.undecodable[0].resourceVersion == "5" && list.undecodable[0].kind == "Lease")
    #expect(list.undecodable[0].reason.contains("leaseDurationSeconds"))
    #expect(!list.undecodable[0].reason.contains("soon"))
    #expect(list.undecodable[1].name == nil)
  }

  @Test("a list that is null or absent is an empty one", arguments: [#"{"items": null}"#, "{}", #"{"items": []}"#])
  func emptyList(json: String) throws {
    #expect(try JSONDecoder().decode(ResourceList<Lease>.self, from: Data(json.utf8)).items.isEmpty)
  }

  @Test("paths are those of the API")
  func paths() {
    #expect(Lease.resource.path(namespace: "n", name: "x") == "/apis/coordination.k8s.io/v1/namespaces/n/leases/x")
    #expect(Secret.resource.path(namespace: nil) == "/api/v1/secrets")
    #expect(Namespace.resource.path(namespace: "ignored", name: "x") == "/api/v1/namespaces/x")
    #expect(
      Pod.resource.path(namespace: "n", name: "x", subresource: "status") == "/api/v1/namespaces/n/pods/x/status")
  }

  @Test("any JSON survives being read and written")
  func jsonValue() throws {
    let json = #"{"a":[1,-2.5,true,null,"x",{"b":9007199254740993}]}"#
    let value = try JSONDecoder().decode(JSONValue.self, from: Data(json.utf8))
    #expect(value == ["a": [1, -2.5, true, nil, "x", ["b": 9_007_199_254_740_993]]])
    #expect(try JSONDecoder().decode(JSONValue.self, from: try JSONEncoder().encode(value)) == value)
  }

  @Test("a refusal without a reason gets that of its code")
  func statusReason() throws {
    let json = #"{"kind": "Status", "status": "Failure", "code": 410}"#
    #expect(try JSONDecoder().decode(KubeStatus.self, from: Data(json.utf8)).reason == .gone)
  }
}
