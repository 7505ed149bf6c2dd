package import KubeModel
package import TidemarkAPI

/// A copy of a workload under another name, with claims of its own.
///
/// What must be its own is changed: its name; the labels by which it knows its pods, which Services of the original
/// would find too; the claims. What the server or other controllers wrote is left out. Nothing of the original changes.
package enum WorkloadCopy {
  /// On a copy: the uid of the RestoreRequest that it was made for.
  static let annotation = "tidemark.dev/copied-for"

  /// On a copy's pods, in any case: its name.
  static let label = "tidemark.dev/copy"

  /// What a claim of the original is called for the copy: that of a StatefulSet's pod as the copy's controller will call
  /// it, another with the copy's name in front.
  package static func claim(_ claim: String, of original: WorkloadReference, for copy: String) -> String {
    let middle = "-\(original.name)-"
    if original.kind == "StatefulSet", let found = claim.range(of: middle, searching: .fromTheEnd),
      Int(claim[found.upperBound...]) != nil
    {
      return "\(claim[..<found.lowerBound])-\(copy)-\(claim[found.upperBound...])"
    }
    return "\(copy)-\(claim)"
  }

  /// The metadata of the copy.
  package static func metadata(of original: ObjectMeta, name: String, for uid: String) -> ObjectMeta {
    var labels = original.labels
    for key in labels.keys where labels[key] == original.name { labels[key] = name }
    // What deploys the original goes by these, and would take the copy for its own.
    for key in ["app.kubernetes.io/managed-by", "app.kubernetes.io/instance"] where labels[key] != name {
      labels[key] = nil
    }
    return ObjectMeta(name: name, namespace: original.namespace, labels: labels, annotations: [annotation: uid])
  }

  /// The spec of the copy; `replicas` nil for a DaemonSet.
  package static func spec(
    of original: JSONValue, name: String, claims: [String: String], replicas: Int?
  ) -> JSONValue {
    guard case .object(var spec) = original else { return original }
    if let replicas { spec["replicas"] = .integer(Int64(replicas)) }
    var labels: [String: JSONValue] = [:]
    if case .object(let found)? = original["selector"]?["matchLabels"] { labels = found }
    // Every label of the selector: a Service may select by any of them. A label has 63 characters at most.
    let value = JSONValue.string(String(name.prefix(63).reversed().drop { !$0.isLetter && !$0.isNumber }.reversed()))
    var own = labels.mapValues { _ in value }
    own[label] = value
    spec["selector"] = .object(["matchLabels": .object(own)])
    if let template = spec["template"] { spec["template"] = pods(template, own, claims) }
    return .object(spec)
  }

  private static func pods(
    _ template: JSONValue, _ labels: [String: JSONValue], _ claims: [String: String]
  ) -> JSONValue {
    guard case .object(var template) = template else { return template }
    // Nothing but its selector's labels, so that no Service of the original finds its pods by another.
    template["metadata"] = .object(
      ["labels": .object(labels)].merging(
        template["metadata"]?["annotations"].map { ["annotations": $0] } ?? [:]
      ) { first, _ in first })
    guard case .object(var pod)? = template["spec"], case .array(let volumes)? = pod["volumes"] else {
      return .object(template)
    }
    pod["volumes"] = .array(volumes.map { volume($0, claims) })
    template["spec"] = .object(pod)
    return .object(template)
  }

  private static func volume(_ volume: JSONValue, _ claims: [String: String]) -> JSONValue {
    guard case .object(var fields) = volume, case .object(var claim)? = fields["persistentVolumeClaim"],
      let name = claim["claimName"]?.text, let own = claims[name]
    else { return volume }
    claim["claimName"] = .string(own)
    fields["persistentVolumeClaim"] = .object(claim)
    return .object(fields)
  }
}

extension String {
  fileprivate enum SearchDirection { case fromTheEnd }

  /// Where `part` stands last.
  fileprivate func range(of part: String, searching: SearchDirection) -> Range<String.Index>? {
    var start = endIndex
    while start > startIndex {
      start = index(before: start)
      if self[start...].hasPrefix(part) { return start..<index(start, offsetBy: part.count) }
    }
    return nil
  }
}
