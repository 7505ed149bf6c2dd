import Controllers
import KubeClient
import KubeModel
import Testing
import TidemarkAPI

@Suite("A Service follows a switch")
struct ServiceRepointingTests {
  private static func service(_ selector: [String: String]?, kept: String? = nil) -> Service {
    var service = Service(
      metadata: ObjectMeta(name: "shop", namespace: "demo"), spec: Service.Spec(selector: selector))
    service.metadata.annotations[TidemarkAnnotation.originalSelector] = kept
    return service
  }

  private static let kept: JSONPointer = "/metadata/annotations/tidemark.dev~1original-selector"
  private static let selector: JSONPointer = "/spec/selector"

  @Test("its selector names the live instance, and the one before is kept")
  func there() throws {
    let patch = try ServiceRepointing.patch(Self.service(["app": "db"]), to: SwitchValues.restored)
    #expect(
      patch == [
        .test(Self.selector, .object(["app": .string("db")])),
        .add(Self.selector, .object(["tidemark.dev/instance": .string("restore-uid-of-undo")])),
        .add("/metadata/annotations", .object([:])), .add(Self.kept, .string(#"{"app":"db"}"#)),
      ])
  }

  @Test("from one instance to the next, the original selector stays the one that is kept")
  func onwards() throws {
    let service = Self.service(["tidemark.dev/instance": "restore-1"], kept: #"{"app":"db"}"#)
    let patch = try #require(try ServiceRepointing.patch(service, to: SwitchValues.restored))
    #expect(patch.count == 2)
    let right = Self.service(["tidemark.dev/instance": "restore-uid-of-undo"], kept: #"{"app":"db"}"#)
    #expect(try ServiceRepointing.patch(right, to: SwitchValues.restored) == nil)
  }

  @Test("back on the server of the spec, it has its own selector again")
  func back() throws {
    let service = Self.service(["tidemark.dev/instance": "restore-1"], kept: #"{"app":"db"}"#)
    let patch = try #require(try ServiceRepointing.patch(service, to: SwitchValues.original))
    #expect(patch.dropFirst() == [.add(Self.selector, .object(["app": .string("db")])), .remove(Self.kept)])
    let without = Self.service(["tidemark.dev/instance": "restore-1"], kept: "{}")
    #expect(try ServiceRepointing.patch(without, to: SwitchValues.original)?[1] == .remove(Self.selector))
    #expect(try ServiceRepointing.patch(Self.service(["app": "db"]), to: SwitchValues.original) == nil)
  }

  @Test("a port that leads nowhere on the instance is told, and one that leads there is not")
  func ports() {
    func obstacle(_ ports: [Service.Port], _ live: DatabaseInstance = SwitchValues.restored) -> String? {
      var service = Self.service(nil)
      service.spec?.ports = ports
      return ServiceRepointing.obstacle(service, live)
    }
    #expect(obstacle([Service.Port(port: 5433)]) == nil)
    #expect(obstacle([Service.Port(port: 5432, targetPort: .string("postgresql"))]) == nil)
    #expect(obstacle([Service.Port(port: 9), Service.Port(port: 5432, targetPort: .integer(5433))]) == nil)
    #expect(obstacle([]) == nil)
    #expect(obstacle([Service.Port(port: 5432, targetPort: .string("db"))])?.contains("5433") == true)
    #expect(obstacle([Service.Port(port: 5432)])?.contains("shop") == true)
    #expect(obstacle([Service.Port(port: 5432)], SwitchValues.original) == nil)
  }
}
