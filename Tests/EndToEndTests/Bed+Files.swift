import Foundation
import TestSupport

/// Buckets, and applications whose volumes are folders of the bed.
extension Bed {
  // MARK: Buckets

  /// Puts an object, by another program than ours.
  func put(_ text: String, to key: String, in bucket: String) async throws {
    try await s3.curl("/\(bucket)/\(key)", "-X", "PUT", "--data-binary", text)
  }

  func applyBucket(_ name: String, _ bucket: String) async throws {
    try await apply(
      """
      apiVersion: tidemark.dev/v1alpha1
      kind: Bucket
      metadata: { name: \(name) }
      spec:
        provider: custom
        endpoint: \(s3.endpoint)
        bucket: \(bucket)
        credentials: { secretName: store-keys }
      """)
  }

  // MARK: Backups and restores

  func applyFilesBackup(_ name: String, target: String, _ more: String = "") async throws {
    try await apply(
      """
      apiVersion: tidemark.dev/v1alpha1
      kind: Backup
      metadata: { name: \(name) }
      spec:
        target: { \(target) }
        destinationName: store
      \(more)
      """)
  }

  func applyFilesRestore(_ name: String, of backup: String, _ more: String = "") async throws {
    try await apply(
      """
      apiVersion: tidemark.dev/v1alpha1
      kind: RestoreRequest
      metadata: { name: \(name) }
      spec:
        source: { backupName: \(backup) }
      \(more)
      """)
  }

  /// The keys of the snapshots in the repository at `place`.
  func snapshotKeys(_ place: String) async throws -> [Substring] {
    let prefix = "team/\(place)/repo/snapshots/".replacing("/", with: "%2F")
    let listing = try await s3.curl("/\(bucket)?list-type=2&prefix=\(prefix)")
    return listing.components(separatedBy: "<Key>").dropFirst().map { $0.prefix { $0 != "<" } }
  }

  // MARK: Volumes

  /// The folder that is the volume of a claim.
  func folder(of claim: String) -> String { "\(scratchPath)/volumes/\(claim)" }

  func write(_ text: String, to path: String) throws {
    let file = folder(of: path)
    try FileManager.default.createDirectory(
      atPath: URL(filePath: file).deletingLastPathComponent().path(), withIntermediateDirectories: true)
    try text.write(toFile: file, atomically: true, encoding: .utf8)
  }

  func read(_ path: String) throws -> String { try String(contentsOfFile: folder(of: path), encoding: .utf8) }

  /// A Deployment of two replicas that mounts these claims.
  func applyApplication(_ name: String, claims: [String]) async throws {
    for claim in claims { try await applyClaim(claim) }
    let volumes = claims.map { "{ name: \($0), persistentVolumeClaim: { claimName: \($0) } }" }
    try await apply(
      """
      apiVersion: apps/v1
      kind: Deployment
      metadata: { name: \(name) }
      spec:
        replicas: 2
        selector: { matchLabels: { app: \(name) } }
        template:
          metadata: { labels: { app: \(name) } }
          spec:
            containers: [{ name: main, image: none }]
            volumes: [\(volumes.joined(separator: ", "))]
      """)
  }

  /// A claim, and a volume that is a folder, bound to each other as a provisioner would do.
  func applyClaim(_ claim: String) async throws {
    try FileManager.default.createDirectory(atPath: folder(of: claim), withIntermediateDirectories: true)
    try await apply(
      """
      apiVersion: v1
      kind: PersistentVolume
      metadata: { name: \(namespace)-\(claim) }
      spec:
        capacity: { storage: 1Gi }
        accessModes: [ReadWriteOnce]
        persistentVolumeReclaimPolicy: Retain
        hostPath: { path: \(folder(of: claim)) }
        claimRef: { namespace: \(namespace), name: \(claim) }
      ---
      apiVersion: v1
      kind: PersistentVolumeClaim
      metadata: { name: \(claim) }
      spec:
        accessModes: [ReadWriteOnce]
        resources: { requests: { storage: 1Gi } }
        volumeName: \(namespace)-\(claim)
      """)
  }

  /// Volumes belong to no namespace, and do not go with the bed's.
  func removeVolumes(of claims: [String]) async throws {
    for claim in claims {
      try await kubectl("delete", "persistentvolume", "\(namespace)-\(claim)", "--wait=false")
    }
  }
}
