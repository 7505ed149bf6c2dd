package import KubeClient
package import KubeModel

/// Two instances that are to serve each other's volume, both being stopped.
///
/// A volume is an instance's by what its StatefulSet mounts, and holds an incarnation's data by an annotation, which is
/// written before the first exchange and never changed. So it is known at any moment which volume belongs where, also
/// after a crash between two writes.
package struct ClaimExchange: Equatable, Sendable {
  /// The incarnations that claims are to be noted to hold, by claim. They come first.
  package var notes: [String: String] = [:]
  /// The claim that `live` is to mount; nil where it does.
  package var live: String?
  /// The claim that `aside` is to mount; nil where it does.
  package var aside: String?

  /// What there is to do so that the data of `incoming` are served by the live instance, and those of `outgoing` are
  /// kept by the one aside. `live` and `aside` are the claims that they mount, and `notes` the incarnations that are
  /// noted, by claim.
  package static func plan(
    live: String, aside: String, incoming: String, outgoing: String, notes: [String: String]
  ) throws -> ClaimExchange {
    var exchange = ClaimExchange()
    let served: String
    let kept: String
    if let first = notes.first(where: { $0.value == incoming })?.key,
      let second = notes.first(where: { $0.value == outgoing })?.key
    {
      (served, kept) = (first, second)
    } else {
      // Both notes come before the first exchange: nothing was exchanged yet.
      (served, kept) = (aside, live)
      for (claim, incarnation) in [(served, incoming), (kept, outgoing)] where notes[claim] == nil {
        exchange.notes[claim] = incarnation
      }
    }
    let known = notes.merging(exchange.notes) { old, _ in old }
    guard Set([served, kept]).isSuperset(of: [live, aside]), served != kept,
      known[served] == incoming, known[kept] == outgoing
    else {
      throw StepError(
        code: .instanceFailed,
        message:
          "volumes \(live) and \(aside) are not those of the incarnations \(incoming) and \(outgoing), which were "
          + "to be exchanged; nothing was touched")
    }
    exchange.live = live == served ? nil : served
    exchange.aside = aside == kept ? nil : kept
    return exchange
  }

  /// The claims are mounted by the index that the manifest gives their volume.
  package static func mounting(_ claim: String, in set: StatefulSet) throws -> [JSONPatchOperation] {
    guard case .array(let volumes)? = set.spec?["template"]?["spec"]?["volumes"],
      let index = volumes.firstIndex(where: { $0["name"]?.text == InstanceManifests.volume })
    else {
      throw StepError(code: .instanceFailed, message: "StatefulSet \(set.key) mounts no volume of an instance")
    }
    let volume = ["spec", "template", "spec", "volumes", "\(index)"]
    return [
      .test(JSONPointer(volume + ["name"]), .string(InstanceManifests.volume)),
      .test(["spec", "replicas"], 0),
      .replace(JSONPointer(volume + ["persistentVolumeClaim", "claimName"]), .string(claim)),
    ]
  }
}
