import TestSupport

/// How fast a destination's steps may go.
enum Speed {
  case full
  /// Slow enough for something to happen in the middle.
  case slow
}

extension Tenant {
  /// Applies the Secret and the destination `store`, and waits until it is Ready.
  func applyDestination(_ speed: Speed = .full) async throws {
    let limits =
      switch speed {
      case .full: ""
      case .slow: "  limits: { uploadBytesPerSecond: 1Mi, downloadBytesPerSecond: 2Mi }\n"
      }
    try await applyKeys("store-keys")
    try await apply(destination("store", "  prefix: team\n" + limits))
    try await ready("backupdestination/store", seconds: 60)
  }

  /// A Secret with the access key of the S3 server.
  func applyKeys(_ name: String, secretKey: String? = nil) async throws {
    try await apply(
      """
      apiVersion: v1
      kind: Secret
      metadata: { name: \(name) }
      stringData:
        access-key-id: "\(s3.keys.accessKey)"
        secret-access-key: "\(secretKey ?? s3.keys.secretKey)"
      """)
  }

  /// A destination; `more` are further lines of its spec.
  func destination(
    _ name: String, _ more: String = "", endpoint: String? = nil, bucket: String? = nil, secret: String = "store-keys"
  ) -> String {
    """
    apiVersion: tidemark.dev/v1alpha1
    kind: BackupDestination
    metadata: { name: \(name) }
    spec:
      provider: custom
      endpoint: \(endpoint ?? s3.endpoint)
      bucket: \(bucket ?? self.bucket)
      credentials: { secretName: \(secret) }
    \(more)
    """
  }

  /// Applies a Backup of `shop`.
  func applyBackup(_ name: String, _ more: String = "") async throws {
    try await apply(
      """
      apiVersion: tidemark.dev/v1alpha1
      kind: Backup
      metadata: { name: \(name) }
      spec:
        target: { database: shop }
        destinationName: store
      \(more)
      """)
  }

  /// Applies a clone of `shop`; `moment` is such as `latest: true`.
  func applyClone(_ name: String, moment: String, newName: String) async throws {
    try await apply(
      """
      apiVersion: tidemark.dev/v1alpha1
      kind: PITRClone
      metadata: { name: \(name) }
      spec:
        database: shop
        newName: \(newName)
        pointInTime: { \(moment) }
      """)
  }
}

extension Bed {
  /// Makes the database `shop` with `orders` rows, applies its Secrets and Database, and waits until it is Ready;
  /// `more` are further lines of its spec.
  func applyShop(_ postgres: TestPostgres, orders: Int = 20_000, _ more: String = "") async throws {
    try await postgres.psql("CREATE DATABASE shop")
    // So that the role of the connection Secret can be used as a client would.
    try await postgres.psql("GRANT pg_read_all_data TO \"\(postgres.replicationUser)\"")
    try await postgres.psql(
      "CREATE TABLE orders (id int PRIMARY KEY, customer text)",
      "INSERT INTO orders SELECT g, md5(g::text) || md5(random()::text) FROM generate_series(1, \(orders)) g",
      "CHECKPOINT", database: "shop")
    try await applyShopLogin(postgres)
    try await applyShopDatabase(postgres, more)
    try await ready("database/shop", seconds: 90)
  }

  /// The Secrets with the role through which `shop` is reached, and with a superuser.
  func applyShopLogin(_ postgres: TestPostgres) async throws {
    try await apply(
      """
      apiVersion: v1
      kind: Secret
      metadata: { name: shop-login }
      stringData:
        username: "\(postgres.replicationUser)"
        password: "\(postgres.replicationPassword)"
      ---
      apiVersion: v1
      kind: Secret
      metadata: { name: shop-admin }
      stringData:
        username: "\(postgres.superuser)"
        password: "\(postgres.superuserPassword)"
      """)
  }

  /// The Database `shop`, archived to the destination `store`; `more` are further lines of its spec.
  func applyShopDatabase(_ postgres: TestPostgres, _ more: String = "") async throws {
    try await apply(
      """
      apiVersion: tidemark.dev/v1alpha1
      kind: Database
      metadata: { name: shop }
      spec:
        connection:
          host: "\(postgres.host)"
          port: \(postgres.port)
          database: shop
          secretName: shop-login
          adminSecretName: shop-admin
        pitr: { enabled: true, destinationName: store, flushInterval: 1s }
      \(more)
      """)
  }

  /// Asks a clone, as a client with its connection Secret would.
  func askClone(_ database: String, _ statement: String, as postgres: TestPostgres) async throws -> String {
    let name = "\(database)-connection"
    let environment = try await [
      "PGHOST": secret(name, "host"), "PGPORT": secret(name, "port"), "PGDATABASE": secret(name, "database"),
      "PGUSER": secret(name, "username"), "PGPASSWORD": secret(name, "password"), "PGCONNECT_TIMEOUT": "10",
    ]
    let output = try await RunningProgram.run(
      "\(postgres.binaries)/psql", ["-X", "-q", "-A", "-t", "-c", statement], environment: environment
    ).output
    return output.split(separator: "\n").joined(separator: "\n")
  }
}

extension TestPostgres {
  /// The server's clock, as a resource writes it.
  func now() async throws -> String {
    try await psql(#"SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#)
  }
}
