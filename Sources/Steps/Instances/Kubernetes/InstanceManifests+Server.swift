import KubeModel
import TidemarkAPI

/// The StatefulSet that runs an instance's server.
///
/// Its pod is of the restricted kind: no root, no capabilities, nothing written but the volume and scratch space. It
/// runs as PostgreSQL's user of the stock image, to whom the data directory has to belong.
extension InstanceManifests {
  /// One server of the major version on the data of the claim called `claim`.
  func statefulSet(_ note: InstanceNote, serverMajor: Int, claim: String) -> StatefulSet {
    let labels = JSONValue.object(self.labels.mapValues { .string($0) })
    return StatefulSet(
      metadata: metadata(key),
      spec: [
        "replicas": 1, "serviceName": .string(id.name), "revisionHistoryLimit": 1,
        // A pod that can't become ready must not hold up the one that mends it.
        "podManagementPolicy": "Parallel",
        "selector": ["matchLabels": [TidemarkLabel.instance: .string(id.name)]],
        "template": ["metadata": ["labels": labels], "spec": podSpec(note, serverMajor: serverMajor, claim: claim)],
      ])
  }

  private func podSpec(_ note: InstanceNote, serverMajor: Int, claim: String) -> JSONValue {
    var spec: [String: JSONValue] = [
      "automountServiceAccountToken": false, "enableServiceLinks": false,
      // As long as a checkpoint of large buffers may take.
      "terminationGracePeriodSeconds": 120,
      "securityContext": [
        "runAsNonRoot": true, "runAsUser": .integer(Int64(InstanceUser.uid)),
        "runAsGroup": .integer(Int64(InstanceUser.gid)), "fsGroup": .integer(Int64(InstanceUser.gid)),
        "fsGroupChangePolicy": "OnRootMismatch", "seccompProfile": ["type": "RuntimeDefault"],
      ],
      "initContainers": [programContainer],
      "containers": [serverContainer(note, serverMajor: serverMajor)],
      "volumes": .array(volumes(claim: claim)),
    ]
    for field in InstanceSettings.podFields { spec[field] = settings.podSpec?[field] }
    return .object(spec)
  }

  private var programContainer: JSONValue {
    var container: [String: JSONValue] = [
      "name": "program", "image": .string(settings.programImage),
      "command": ["/usr/local/bin/tidemark", "prepare-instance"],
      "args": [
        "--program-directory", .string(InstancePaths.programs), "--data-directory", .string(InstancePaths.data),
      ],
      "securityContext": Self.restricted, "terminationMessagePolicy": "FallbackToLogsOnError",
      "volumeMounts": [
        Self.mount(Self.volume, InstancePaths.volume), Self.mount("programs", InstancePaths.programs),
        Self.mount("scratch", "/tmp"),
      ],
    ]
    container["imagePullPolicy"] = settings.imagePullPolicy.map { .string($0) }
    return .object(container)
  }

  private func serverContainer(_ note: InstanceNote, serverMajor: Int) -> JSONValue {
    var container: [String: JSONValue] = [
      "name": .string(Self.container),
      "image": .string(note.image ?? "\(settings.serverRepository):\(serverMajor)"),
      // Not the image's entry point, which would make a cluster of its own.
      "command": ["postgres"], "args": .array(arguments(serverMajor).map { .string($0) }),
      "ports": [["name": .string(Self.container), "containerPort": .integer(Int64(Self.port)), "protocol": "TCP"]],
      "securityContext": Self.restricted, "terminationMessagePolicy": "FallbackToLogsOnError",
      "readinessProbe": [
        "exec": ["command": ["pg_isready", "--quiet", "--host", .string(InstancePaths.socket)]],
        "periodSeconds": 5, "timeoutSeconds": 5,
      ],
      // SIGTERM, which the kubelet sends after this, would wait for clients.
      "lifecycle": ["preStop": ["exec": ["command": ["sh", "-c", "kill -INT 1"]]]],
      "volumeMounts": [
        Self.mount(Self.volume, InstancePaths.volume), Self.mount("programs", InstancePaths.programs, isReadOnly: true),
        Self.mount("archive", InstancePaths.secrets, isReadOnly: true),
        Self.mount("certificates", InstancePaths.certificates, isReadOnly: true),
        Self.mount("configuration", InstancePaths.configuration, isReadOnly: true),
        Self.mount("socket", InstancePaths.socket), Self.mount("scratch", "/tmp"), Self.mount("memory", "/dev/shm"),
      ],
    ]
    container["imagePullPolicy"] = settings.imagePullPolicy.map { .string($0) }
    container["resources"] = note.resources
    return .object(container)
  }

  /// The settings that make the restored server an instance of the cluster; they stand above its files'.
  private func arguments(_ serverMajor: Int) -> [String] {
    var values: [(String, String)] = [
      ("port", "\(Self.port)"), ("listen_addresses", "*"), ("unix_socket_directories", InstancePaths.socket),
      ("hba_file", "\(InstancePaths.configuration)/pg_hba.conf"),
      ("ident_file", "\(InstancePaths.configuration)/pg_ident.conf"), ("external_pid_file", ""), ("ssl", "on"),
      ("ssl_cert_file", "\(InstancePaths.certificates)/\(CertificateField.certificate)"),
      ("ssl_key_file", "\(InstancePaths.certificates)/\(CertificateField.key)"),
      ("ssl_ca_file", "\(InstancePaths.certificates)/\(CertificateField.authority)"), ("ssl_crl_file", ""),
      ("ssl_crl_dir", ""), ("logging_collector", "off"), ("log_destination", "stderr"), ("archive_mode", "off"),
      ("hot_standby", "on"), ("password_encryption", "scram-sha-256"),
    ]
    if serverMajor < 14 { values.removeAll { $0.0 == "ssl_crl_dir" } }
    if serverMajor >= 17 { values.append(("allow_alter_system", "on")) }
    return ["-D", InstancePaths.data] + values.flatMap { ["-c", "\($0.0)=\($0.1)"] }
  }

  private static let restricted: JSONValue = [
    "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": ["drop": ["ALL"]],
  ]

  private static func mount(_ name: String, _ path: String, isReadOnly: Bool = false) -> JSONValue {
    var mount: [String: JSONValue] = ["name": .string(name), "mountPath": .string(path)]
    if isReadOnly { mount["readOnly"] = true }
    return .object(mount)
  }

  private func volumes(claim: String) -> [JSONValue] {
    let served = [CertificateField.authority, CertificateField.certificate, CertificateField.key]
    return [
      ["name": .string(Self.volume), "persistentVolumeClaim": ["claimName": .string(claim)]],
      ["name": "programs", "emptyDir": [:]],
      ["name": "scratch", "emptyDir": [:]],
      ["name": "socket", "emptyDir": [:]],
      ["name": "memory", "emptyDir": ["medium": "Memory"]],
      ["name": "configuration", "configMap": ["name": .string(configurationKey.name)]],
      // Gone when recovery has ended: the server starts without.
      [
        "name": "archive",
        "secret": ["secretName": .string(archiveKey.name), "optional": true, "defaultMode": 0o440],
      ],
      [
        "name": "certificates",
        "secret": [
          "secretName": .string(certificatesKey.name), "defaultMode": 0o440,
          // Not the authority's key.
          "items": .array(served.map { ["key": .string($0), "path": .string($0)] }),
        ],
      ],
    ]
  }
}
