import KubeModel
import TidemarkAPI

/// A BackupDestination as the API shows it. The secret key is never read for it.
struct DestinationView: JSONView {
  let destination: BackupDestination

  func write(to text: inout JSONText) {
    let (spec, status) = (destination.spec, destination.status)
    text.object { text in
      text.identity(destination.metadata)
      text.field("provider", spec.provider)
      text.field("bucket", spec.bucket)
      text.field("prefix", spec.prefix)
      text.field("region", spec.region)
      text.field("endpoint", spec.endpoint)
      text.field("account_id", spec.accountId)
      text.field("jurisdiction", spec.jurisdiction)
      text.field("addressing_style", spec.addressingStyle)
      text.field("access_key", destination.metadata.annotations[MaskedKey.annotation])
      text.field("enabled", !spec.suspend)
      text.field("status") { text in
        text.object { text in
          text.health(status?.conditions)
          text.field("endpoint", status?.endpoint)
          text.field("last_validated", status?.lastValidated)
          text.field("latency_ms", status?.latencyMilliseconds)
          text.field("stored_bytes", status?.storedBytes)
        }
      }
    }
  }
}

/// What came of a try of a destination.
struct VerdictView: JSONView {
  let verdict: DestinationVerdict

  func write(to text: inout JSONText) {
    text.object { text in
      switch verdict {
      case .valid(let milliseconds):
        text.field("valid", true)
        text.field("latency_ms", milliseconds)
      case .invalid(let reason, let message):
        text.field("valid", false)
        text.field("reason", reason)
        text.field("message", message)
      }
    }
  }
}

/// An access key of which only enough is left to tell it from others.
enum MaskedKey {
  /// Where the masked key of a destination stands that was written through this API: the Secret is not read to show it.
  static let annotation = "tidemark.dev/access-key"

  /// `AKIA…MPLE`: the first and last four characters, of a key of at least twelve; else only dots.
  static func mask(_ key: String) -> String {
    key.count >= 12 ? "\(key.prefix(4))…\(key.suffix(4))" : "…"
  }
}
