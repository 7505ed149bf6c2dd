import KubeClient
import KubeModel
import KubeRuntime
import Testing

@Suite("finalizers: the patches")
struct FinalizerTests {
  private func metadata(_ finalizers: [String]) -> ObjectMeta {
    ObjectMeta(name: "x", namespace: "a", finalizers: finalizers, uid: "u")
  }

  @Test("the first finalizer is added only if there is still none")
  func first() {
    #expect(
      Finalizer.adding("f", to: metadata([])) == [
        .test("/metadata/uid", "u"), .test("/metadata/finalizers", .null), .add("/metadata/finalizers", ["f"]),
      ])
  }

  @Test("a further finalizer is added at the end, if the others are as they were")
  func further() {
    #expect(
      Finalizer.adding("f", to: metadata(["g"])) == [
        .test("/metadata/uid", "u"), .test("/metadata/finalizers", ["g"]), .add("/metadata/finalizers/-", "f"),
      ])
  }

  @Test("a finalizer is removed from its place, if it is still there")
  func removed() {
    #expect(
      Finalizer.removing("f", from: metadata(["g", "f"])) == [
        .test("/metadata/uid", "u"), .test("/metadata/finalizers/1", "f"), .remove("/metadata/finalizers/1"),
      ])
    #expect(Finalizer.removing("f", from: metadata(["g"])) == nil)
  }
}
