import Foundation
import KubeClient
import KubeModel
import TestSupport
import Testing

/// The verbs against a real API server.
@Suite("Against a real API server")
struct APIServerTests {
  private func failure(_ work: () async throws -> some Any) async -> KubeError? {
    await #expect(throws: KubeError.self) { _ = try await work() }
  }

  @Test("an object is created, read, replaced and deleted, and each refusal has its reason")
  func lifeOfAnObject() async throws {
    try await withNamespace { client, namespace in
      let key = ObjectKey(namespace: namespace, name: "w")
      let created = try await client.create(Widget("w", in: namespace, size: 1), fieldManager: "tests")
      #expect(created.metadata.uid != nil && created.metadata.generation == 1)
      #expect(await failure { try await client.create(Widget("w", in: namespace)) }?.isAlreadyExists == true)

      var changed = try await client.get(Widget.self, key)
      #expect(changed == created)
      changed.spec?.size = 2
      let replaced = try await client.replace(changed)
      #expect(replaced.spec?.size == 2 && replaced.metadata.generation == 2)
      let stale = await failure { try await client.replace(changed) }
      #expect(stale?.isConflict == true && stale?.isAlreadyExists == false && stale?.code == "KubernetesConflict")

      try await client.delete(Widget.self, key)
      #expect(await failure { try await client.get(Widget.self, key) }?.isNotFound == true)
      #expect(await failure { try await client.delete(Widget.self, key) }?.code == "KubernetesNotFound")
      #expect(try await client.find(Widget.self, key) == nil)
      #expect(try await client.deleteIfPresent(Widget.self, key) == false)
    }
  }

  @Test("an object that fails validation is refused with the field that is wrong")
  func validation() async throws {
    try await withNamespace { client, namespace in
      let error = await failure { try await client.create(Widget("w", in: namespace, size: 5000)) }
      #expect(error?.isInvalid == true)
      #expect(error?.status?.details?.causes?.first?.field == "spec.size")
    }
  }

  @Test("a deletion with the uid or version of another life is a conflict, and deletes nothing")
  func preconditions() async throws {
    try await withNamespace { client, namespace in
      let key = ObjectKey(namespace: namespace, name: "w")
      let first = try await client.create(Widget("w", in: namespace))
      let second = try await client.mergePatch(Widget.self, key, json: ["spec": ["size": 3]])
      let byVersion = await failure {
        try await client.delete(Widget.self, key, options: .init(resourceVersion: first.metadata.resourceVersion))
      }
      #expect(byVersion?.isConflict == true)
      let byUID = await failure {
        try await client.delete(Widget.self, key, options: .init(uid: UUID().uuidString.lowercased()))
      }
      #expect(byUID?.isConflict == true)
      let outcome = try await client.delete(
        Widget.self, key,
        options: .init(
          uid: first.metadata.uid, resourceVersion: second.metadata.resourceVersion, propagation: .background))
      guard case .deleted = outcome else {
        Issue.record("the object is not gone: \(outcome)")
        return
      }
    }
  }

  @Test("an object with a finalizer stays, marked, until a JSON patch that tests it takes the finalizer off")
  func finalizers() async throws {
    try await withNamespace { client, namespace in
      let key = ObjectKey(namespace: namespace, name: "w")
      var widget = Widget("w", in: namespace)
      widget.metadata.finalizers = ["tidemark.dev/a", "tidemark.dev/b"]
      try await client.create(widget)
      guard case .accepted(let marked) = try await client.delete(Widget.self, key) else {
        Issue.record("an object with finalizers went at once")
        return
      }
      #expect(marked.metadata.isDeleting)

      let wrong = await failure {
        try await client.jsonPatch(
          Widget.self, key,
          [.test("/metadata/finalizers/0", "tidemark.dev/b"), .remove("/metadata/finalizers/0")])
      }
      #expect(wrong?.isInvalid == true)
      #expect(try await client.get(Widget.self, key).metadata.finalizers.count == 2)
      try await client.jsonPatch(
        Widget.self, key, [.test("/metadata/finalizers/0", "tidemark.dev/a"), .remove("/metadata/finalizers/0")])
      #expect(try await client.get(Widget.self, key).metadata.finalizers == ["tidemark.dev/b"])
      try await client.jsonPatch(Widget.self, key, [.remove("/metadata/finalizers")])
      #expect(try await client.find(Widget.self, key) == nil)
    }
  }

  @Test("two managers apply their own fields, conflict over one, and one takes it over by force")
  func applyByTwo() async throws {
    try await withNamespace { client, namespace in
      let first = try await client.apply(Widget("w", in: namespace, size: 1), fieldManager: "one")
      #expect(first.spec?.size == 1)
      let second = try await client.apply(Widget("w", in: namespace, note: "hello"), fieldManager: "two")
      #expect(second.spec == Widget.Spec(size: 1, note: "hello"))

      let conflict = await failure { try await client.apply(Widget("w", in: namespace, size: 2), fieldManager: "two") }
      #expect(conflict?.isConflict == true && conflict?.isFieldConflict == true)
      #expect(conflict?.status?.details?.causes?.first?.message?.contains("one") == true)
      let forced = try await client.apply(Widget("w", in: namespace, size: 2), fieldManager: "two", conflicts: .force)
      #expect(forced.spec == Widget.Spec(size: 2), "what a manager no longer applies goes: the note")

      // A version that is not the newest any more is a conflict too, but not one over a field.
      var stale = Widget("w", in: namespace, size: 3)
      stale.metadata.resourceVersion = second.metadata.resourceVersion
      let outdated = await failure { try await client.apply(stale, fieldManager: "two") }
      #expect(outdated?.isConflict == true && outdated?.isFieldConflict == false)

      // What was read can be applied again as it is: what only the server sets is left out.
      var read = try await client.get(Widget.self, forced.key)
      read.metadata.resourceVersion = nil
      #expect(try await client.apply(read, fieldManager: "two", conflicts: .force).spec?.size == 2)
    }
  }

  @Test("two managers apply their parts of a status; the spec stays, and nothing else comes to be theirs")
  func applyStatus() async throws {
    struct Progress: Codable, Sendable {
      var count: Int
    }
    try await withNamespace { client, namespace in
      let created = try await client.create(Widget("w", in: namespace, size: 1, note: "kept"))
      let ready = Condition(
        type: "Ready", status: .true, reason: "Fine", message: "", lastTransitionTime: Timestamp(secondsSince1970: 1))
      try await client.applyStatus(
        Widget.self, created.key, status: Widget.Status(phase: "Running", conditions: [ready]), fieldManager: "one")
      let both = try await client.applyStatus(
        Widget.self, created.key, status: Progress(count: 7), fieldManager: "two", uid: created.metadata.uid)
      #expect(both.status == Widget.Status(phase: "Running", count: 7, conditions: [ready]))
      #expect(both.spec == created.spec && both.metadata.generation == 1)

      let otherLife = await failure {
        try await client.applyStatus(
          Widget.self, created.key, status: Progress(count: 8), fieldManager: "two", uid: UUID().uuidString.lowercased()
        )
      }
      #expect(otherLife?.isConflict == true && "\(otherLife as Any)".contains("another object by now"))
      #expect(try await client.get(Widget.self, created.key).status?.count == 7)
      let field = await failure {
        try await client.applyStatus(
          Widget.self, created.key, status: Progress(count: 9), fieldManager: "one", uid: created.metadata.uid)
      }
      #expect(field?.isFieldConflict == true)
      let absent = await failure {
        try await client.applyStatus(
          Widget.self, ObjectKey(namespace: namespace, name: "absent"), status: Progress(count: 1), fieldManager: "two")
      }
      #expect(absent?.isNotFound == true)

      // The status of an object that is put on the main resource is passed over; by its own path it is taken.
      var whole = try await client.get(Widget.self, created.key)
      whole.status = Widget.Status(phase: "Done")
      #expect(try await client.replace(whole).status?.phase == "Running")
      whole = try await client.get(Widget.self, created.key)
      whole.status = Widget.Status(phase: "Done")
      whole.spec?.size = 99
      let replaced = try await client.replaceStatus(whole)
      #expect(replaced.status == Widget.Status(phase: "Done") && replaced.spec?.size == 1)
    }
  }

  @Test("a merge patch sets fields, removes those that are null, and patches a status by its own path")
  func mergePatch() async throws {
    try await withNamespace { client, namespace in
      let key = try await client.create(Widget("w", in: namespace, size: 1, note: "x")).key
      let patched = try await client.mergePatch(
        Widget.self, key, json: ["metadata": ["labels": ["a": "b"]], "spec": ["size": 2, "note": nil]])
      #expect(patched.spec == Widget.Spec(size: 2) && patched.metadata.labels == ["a": "b"])
      let status = try await client.mergePatch(
        Widget.self, key, json: ["status": ["phase": "Seen"], "spec": ["size": 9]], subresource: .status)
      #expect(status.status?.phase == "Seen" && status.spec?.size == 2)
    }
  }

  @Test("a Secret's bytes come back as they were sent")
  func secrets() async throws {
    try await withNamespace { client, namespace in
      let bytes = Data((0...255).map { UInt8($0) })
      let secret = Secret(metadata: ObjectMeta(name: "s", namespace: namespace), data: ["all": bytes])
      try await client.create(secret)
      #expect(try await client.get(Secret.self, secret.key).data == ["all": bytes])
    }
  }

  @Test("1,234 objects are listed in pages of 500 as of one version, by selectors, and one by one")
  func paging() async throws {
    try await withNamespace { client, namespace in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for worker in 0..<4 {
          group.addTask {
            for index in stride(from: worker, to: 1234, by: 4) {
              try await client.create(
                Widget("w\(index)", in: namespace, size: index % 10, labels: ["kind": index < 10 ? "few" : "many"]))
            }
          }
        }
        try await group.waitForAll()
      }
      let all = try await client.listAll(Widget.self, namespace: namespace)
      #expect(Set(all.items.map(\.key.name)) == Set((0..<1234).map { "w\($0)" }) && all.items.count == 1234)
      #expect(all.metadata.resourceVersion != nil && all.metadata.continueToken == nil)

      let page = try await client.list(Widget.self, namespace: namespace, options: .init(limit: 500))
      #expect(page.items.count == 500 && page.metadata.continueToken != nil)
      #expect(page.metadata.remainingItemCount == 734)
      let few = try await client.listAll(Widget.self, namespace: namespace, labelSelector: "kind=few", pageSize: 3)
      #expect(few.items.count == 10)
      let one = try await client.listAll(Widget.self, namespace: namespace, fieldSelector: "metadata.name=w77")
      #expect(one.items.map(\.key.name) == ["w77"])
      let everywhere = try await client.listAll(Widget.self)
      #expect(everywhere.items.count >= 1234)

      // The same objects through a type that they do not fit are set aside, all of them, by name.
      let misread = try await client.listAll(OldWidget.self, namespace: namespace)
      #expect(misread.items.isEmpty && misread.undecodable.count == 1234)

      // etcd forgets the version that the first page was read at.
      try await client.create(Widget("late", in: namespace))
      try await TestServers.kube().compact()
      let expired = await failure {
        try await client.list(
          Widget.self, namespace: namespace, options: .init(limit: 500, continueToken: page.metadata.continueToken))
      }
      #expect(expired?.isGone == true && expired?.code == "KubernetesExpired")
    }
  }

  @Test("a watch from a list's version tells every change in order, and selectors hold")
  func watching() async throws {
    try await withNamespace { client, namespace in
      let version = try await client.listAll(Widget.self, namespace: namespace).metadata.resourceVersion
      let key = try await client.create(Widget("a", in: namespace, size: 1, labels: ["x": "y"])).key
      try await client.create(Widget("other", in: namespace))
      try await client.mergePatch(Widget.self, key, json: ["spec": ["size": 2]])
      try await client.delete(Widget.self, key)
      var told: [String] = []
      let options = WatchOptions(resourceVersion: version, labelSelector: "x=y", timeoutSeconds: 30)
      for try await event in client.watch(Widget.self, namespace: namespace, options: options) {
        switch event {
        case .added(let widget): told.append("added \(widget.spec?.size ?? 0)")
        case .modified(let widget): told.append("modified \(widget.spec?.size ?? 0)")
        case .deleted(let widget): told.append("deleted \(widget.spec?.size ?? 0)")
        default: told.append("\(event)")
        }
        if told.count == 3 { break }
      }
      #expect(told == ["added 1", "modified 2", "deleted 2"])
    }
  }

  @Test("a watch that the server ends after its time ends without an error, with nothing but newer bookmarks in it")
  func watchEnds() async throws {
    try await withNamespace { client, namespace in
      let version = try await client.listAll(Widget.self, namespace: namespace).metadata.resourceVersion
      // Something happens meanwhile to an object that the selector leaves out: the server may tell a bookmark of it.
      try await client.create(Widget("other", in: namespace))
      let options = WatchOptions(resourceVersion: version, labelSelector: "x=y", timeoutSeconds: 6)
      let start = ContinuousClock.now
      for try await event in client.watch(Widget.self, namespace: namespace, options: options) {
        guard case .bookmark(let bookmark) = event else {
          Issue.record("\(event)")
          continue
        }
        #expect(!bookmark.isEmpty && bookmark != version)
      }
      #expect(ContinuousClock.now - start > .seconds(4))
    }
  }

  @Test("a watch from a version that is too old says 410 in its stream")
  func watchTooOld() async throws {
    try await withNamespace { client, namespace in
      try await client.create(Widget("w", in: namespace))
      let options = WatchOptions(resourceVersion: "1", timeoutSeconds: 10)
      var codes: [Int] = []
      do {
        for try await event in client.watch(Widget.self, namespace: namespace, options: options) {
          if case .error(let status) = event { codes.append(status.code) }
        }
      } catch let error as KubeError where error.isGone {
        codes.append(410)
      }
      #expect(codes == [410])
    }
  }

  @Test("an object that does not fit its type is told with its name, and the watch goes on")
  func watchUndecodable() async throws {
    try await withNamespace { client, namespace in
      let version = try await client.listAll(Widget.self, namespace: namespace).metadata.resourceVersion
      try await client.create(Widget("a", in: namespace, note: "x"))
      try await client.create(Widget("b", in: namespace, note: "y"))
      var names: [String] = []
      let options = WatchOptions(resourceVersion: version, timeoutSeconds: 30)
      for try await event in client.watch(OldWidget.self, namespace: namespace, options: options) {
        if case .undecodable(let object, .added) = event { names.append(object.name ?? "") }
        if names.count == 2 { break }
      }
      #expect(names == ["a", "b"])
    }
  }
}
