import Foundation
import KubeClient
import KubeModel
import TidemarkAPI

/// The Secret of a destination's keys, and the try of both.
extension Endpoints {
  /// Creates a destination with its Secret.
  ///
  /// With an idempotency key the Secret's name is made of that key, and it keeps the body's digest: whoever creates it
  /// has the key for itself, whatever name its destination has. The digest stands in the Secret alone, since from it and
  /// the other fields a weak secret key could be guessed.
  func create(
    _ destination: BackupDestination, _ key: IdempotencyKey?, accessKey: String, secretKey: String
  ) async throws -> BackupDestination {
    let credentials = destination.spec.credentials
    var secret = Secret(
      metadata: ObjectMeta(name: credentials.secretName, namespace: destination.metadata.namespace), type: "Opaque",
      strings: [credentials.accessKeyField: accessKey, credentials.secretKeyField: secretKey])
    key?.mark(&secret.metadata)
    var isOurs = true
    do {
      secret = try await client.create(secret, fieldManager: Self.fieldManager)
    } catch let error as KubeError where error.isAlreadyExists {
      secret = try await client.get(Secret.self, secret.key)
      guard let key, key.made(secret.metadata) else { throw error }
      guard key.body(of: secret.metadata) == key.body else { throw IdempotencyKey.otherBody }
      isOurs = false
    }
    let created: BackupDestination
    do {
      created = try await create(destination, key?.withoutBody, in: stores.destinations)
    } catch {
      // Without its destination the Secret is nobody's; where this fails too, what is told is why there is none.
      if isOurs { _ = try? await client.deleteIfPresent(Secret.self, secret.key) }
      throw error
    }
    try await give(secret, to: created)
    return created
  }

  /// Makes the Secret go with the destination.
  private func give(_ secret: Secret, to destination: BackupDestination) async throws {
    guard let owner = destination.ownerReference(.owner), secret.metadata.ownerReferences != [owner] else { return }
    let reference: JSONValue = [
      "apiVersion": .string(owner.apiVersion), "kind": .string(owner.kind), "name": .string(owner.name),
      "uid": .string(owner.uid),
    ]
    try await client.mergePatch(
      Secret.self, secret.key, json: ["metadata": ["ownerReferences": [reference]]], fieldManager: Self.fieldManager)
  }

  /// Puts the keys that a change names into the destination's Secret.
  func changeKeys(of destination: BackupDestination, _ change: DestinationFields.Change) async throws {
    let credentials = destination.spec.credentials
    var data: [String: JSONValue] = [:]
    if let key = change.accessKey { data[credentials.accessKeyField] = .string(Data(key.utf8).base64EncodedString()) }
    if let key = change.secretKey { data[credentials.secretKeyField] = .string(Data(key.utf8).base64EncodedString()) }
    guard !data.isEmpty else { return }
    try await client.mergePatch(
      Secret.self, ObjectKey(namespace: destination.metadata.namespace, name: credentials.secretName),
      json: ["data": .object(data)], fieldManager: Self.fieldManager)
  }

  /// The keys of a destination, read now.
  func secrets(of destination: BackupDestination) async throws -> DestinationSecrets {
    let credentials = destination.spec.credentials
    let namespace = destination.metadata.namespace
    let secret = try await client.find(Secret.self, ObjectKey(namespace: namespace, name: credentials.secretName))
    guard let secret, let access = secret.string(credentials.accessKeyField),
      let key = secret.string(credentials.secretKeyField)
    else {
      throw FacadeError(
        .conflict,
        "the Secret of the destination's keys is not there, or lacks a field; put access_key and secret_key")
    }
    return DestinationSecrets(
      accessKeyID: access, secretAccessKey: key, authority: try await authority(destination.spec, in: namespace))
  }

  /// The keys of a destination and the password of its repositories, which uploads are sealed with.
  func secretsForUpload(to destination: BackupDestination) async throws -> DestinationSecrets {
    var secrets = try await secrets(of: destination)
    // Where the user names none, the controller keeps the one it made in a Secret of this name (design, BackupDestination).
    let place =
      destination.spec.encryption
      ?? DestinationEncryption(secretName: "\(destination.metadata.name ?? "")-repository-password")
    let key = ObjectKey(namespace: destination.metadata.namespace, name: place.secretName)
    guard let password = try await client.find(Secret.self, key)?.data[place.passwordField] else {
      throw FacadeError(
        .conflict, "the destination has no password for its repositories yet; wait until its state is Ready")
    }
    secrets.repositoryPassword = Array(password)
    return secrets
  }

  private func authority(_ spec: BackupDestinationSpec, in namespace: String?) async throws -> [UInt8]? {
    guard let name = spec.tls?.caSecretName else { return nil }
    let secret = try await client.find(Secret.self, ObjectKey(namespace: namespace, name: name))
    guard let bytes = secret?.data["ca.crt"] else {
      throw FacadeError(.conflict, "the Secret '\(name)' of the endpoint's authority has no field ca.crt")
    }
    return Array(bytes)
  }

  /// Tries settings before they are written; throws a 400 where they do not hold.
  func validate(
    _ spec: BackupDestinationSpec, accessKey: String, secretKey: String, in namespace: String
  ) async throws {
    let secrets = DestinationSecrets(
      accessKeyID: accessKey, secretAccessKey: secretKey, authority: try await authority(spec, in: namespace))
    guard case .invalid(let reason, let message) = try await verdict(spec, secrets) else { return }
    let field =
      switch reason {
      case Reason.credentialsInvalid, Reason.accessDenied: "access_key"
      case Reason.bucketNotFound: "bucket"
      default: "endpoint"
      }
    throw FacadeError(.badRequest, "the destination does not hold (\(reason)): \(message)", fields: [field: message])
  }

  /// Tries settings.
  func verdict(_ spec: BackupDestinationSpec, _ secrets: DestinationSecrets) async throws -> DestinationVerdict {
    guard let validator = platform.validator else {
      throw FacadeError(.serviceUnavailable, "this facade cannot try destinations; leave validate out")
    }
    return try await validator.validate(spec, secrets)
  }
}
