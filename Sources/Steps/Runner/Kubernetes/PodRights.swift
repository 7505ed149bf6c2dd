import KubeModel

/// As whom a step's pod runs, and with which rights.
///
/// - Without volumes: as nobody in particular, without any capability: the `restricted` standard of Pod Security.
/// - With a volume that has an owner: as that owner, likewise.
/// - With a volume that somebody else lives on, and whose files may be anybody's: as root, with no more than the reading
///   and giving away of other users' files, which the `baseline` standard allows. Where the template names a user, that
///   one is taken, and what it can't read fails.
struct PodRights {
  private enum Identity {
    case nobody
    case owner(StepVolume.Owner)
    case root
  }

  private let identity: Identity
  private let mayOwnFiles: Bool

  /// The user and group that steps run as where no volume demands another: those of distroless images' `nonroot`.
  private static let nobody: JSONValue = 65532

  /// The rights that `volumes` need, unless `template` says as whom the pod is to run.
  init(volumes: [StepVolume], template: PodTemplate) {
    mayOwnFiles = Self.ownsFiles(volumes)
    if let owner = volumes.lazy.compactMap(\.owner).first {
      identity = owner.uid == 0 ? .root : .owner(owner)
    } else {
      identity = volumes.isEmpty || template.namesUser ? .nobody : .root
    }
  }

  /// Whether the kubelet may give the pod's volumes to the pod's group: not those that somebody else lives on.
  static func ownsFiles(_ volumes: [StepVolume]) -> Bool { volumes.allSatisfy { $0.owner != nil } }

  /// The pod's security context, for a template to change.
  var podDefaults: JSONValue {
    let user: JSONValue
    switch identity {
    case .nobody, .owner: user = Self.nobody
    case .root: user = 0
    }
    var context: [String: JSONValue] = [
      "runAsNonRoot": .bool(user != 0), "runAsUser": user, "runAsGroup": user,
      "seccompProfile": ["type": "RuntimeDefault"],
    ]
    if mayOwnFiles, user != 0 {
      context["fsGroup"] = user
      context["fsGroupChangePolicy"] = "OnRootMismatch"
    }
    return .object(context)
  }

  /// What of it a template can't change: a volume's owner is who writes there.
  var podRequirements: JSONValue {
    guard case .owner(let owner) = identity else { return mayOwnFiles ? [:] : ["fsGroup": nil] }
    let group = JSONValue.integer(Int64(owner.gid))
    return [
      "runAsNonRoot": true, "runAsUser": .integer(Int64(owner.uid)), "runAsGroup": group,
      "fsGroup": mayOwnFiles && owner.gid != 0 ? group : nil,
    ]
  }

  /// The container's capabilities.
  var capabilities: JSONValue {
    switch identity {
    case .nobody, .owner: ["drop": ["ALL"]]
    case .root: ["drop": ["ALL"], "add": ["CHOWN", "DAC_OVERRIDE", "FOWNER"]]
    }
  }
}

extension PodTemplate {
  /// Whether it says as which user pods are to run.
  fileprivate var namesUser: Bool { fields["spec"]?["securityContext"]?["runAsUser"] != nil }
}
