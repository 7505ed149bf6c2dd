/// Where a PostgreSQL server is, who we are there, and how far its certificate is trusted.
///
/// Everything reaches libpq as a connection parameter (`PQconnectStartParams`): no URI, no environment variable and no
/// argument ever holds the password, and libpq reads neither `PGPASSWORD` nor a password file in our name.
public struct PostgresConnectionSettings: Sendable {
  /// libpq's `sslmode`, in its own words.
  public enum SSLMode: String, Sendable, Codable, CaseIterable {
    case disable, allow, prefer, require
    case verifyCA = "verify-ca"
    case verifyFull = "verify-full"
  }

  /// libpq's `target_session_attrs`: which kind of server is good enough.
  public enum SessionAttributes: String, Sendable, Codable, CaseIterable {
    case any, primary, standby
    case readWrite = "read-write"
    case readOnly = "read-only"
    case preferStandby = "prefer-standby"
  }

  /// A certificate that a server may ask for, and its key (libpq's `sslcert` and `sslkey`).
  public struct ClientCertificate: Sendable, Hashable {
    /// The certificate's file, in PEM.
    public var certificateFile: String
    /// The key's file, in PEM, readable by its owner alone.
    public var keyFile: String

    /// The certificate in these files.
    public init(certificateFile: String, keyFile: String) {
      (self.certificateFile, self.keyFile) = (certificateFile, keyFile)
    }
  }

  /// A host name, an address, or the directory of a Unix socket (begins with `/`).
  public var host: String
  /// The TCP port, or the number in the Unix socket's name.
  public var port: Int
  /// The database that SQL connections use; replication connections ignore it.
  public var database: String
  /// The role. For base backups and WAL streaming it needs the REPLICATION attribute.
  public var user: String
  /// nil where the server asks for none (trust, peer, certificates).
  public var password: PostgresPassword?
  /// `prefer` unless told otherwise, as in libpq. Only `verifyCA` and `verifyFull` guarantee that ``caFile`` is used.
  public var sslMode: SSLMode
  /// A PEM file of certificate authorities (libpq's `sslrootcert`).
  public var caFile: String?
  /// What proves who we are, in place of a password; nil: none is shown.
  public var clientCertificate: ClientCertificate?
  /// `any` unless told otherwise.
  public var sessionAttributes: SessionAttributes
  /// How long one address of the host may take to answer, TLS and authentication included; 10 s unless told otherwise.
  public var connectTimeout: Duration
  /// What `pg_stat_activity` and `pg_stat_replication` show; `tidemark` unless told otherwise.
  public var applicationName: String

  public init(
    host: String, port: Int = 5432, database: String = "postgres", user: String, password: PostgresPassword? = nil,
    sslMode: SSLMode = .prefer, caFile: String? = nil, sessionAttributes: SessionAttributes = .any,
    connectTimeout: Duration = .seconds(10), applicationName: String = "tidemark"
  ) {
    (self.host, self.port, self.database, self.user) = (host, port, database, user)
    (self.password, self.sslMode, self.caFile) = (password, sslMode, caFile)
    (self.sessionAttributes, self.connectTimeout) = (sessionAttributes, connectTimeout)
    self.applicationName = applicationName
  }

  /// `host:port`, for messages.
  public var endpoint: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

extension PostgresConnectionSettings {
  /// What a connection is for: the two kinds differ in their `replication` parameter.
  enum Purpose: Sendable {
    case sql
    case replication
  }

  /// libpq's keywords and values.
  ///
  /// Keepalives notice a vanished server within a minute (30 s idle, then 3 probes, 10 s apart). The session speaks
  /// UTF-8, ISO dates and UTC, whatever the role's or the server's own settings are.
  func parameters(for purpose: Purpose) -> [(keyword: String, value: String)] {
    var parameters = [
      ("host", host), ("port", String(port)), ("user", user), ("application_name", applicationName),
      ("sslmode", sslMode.rawValue), ("gssencmode", "disable"), ("target_session_attrs", sessionAttributes.rawValue),
      ("client_encoding", "UTF8"), ("options", "-c TimeZone=UTC -c DateStyle=ISO,YMD -c IntervalStyle=postgres"),
      ("keepalives", "1"), ("keepalives_idle", "30"), ("keepalives_interval", "10"), ("keepalives_count", "3"),
      // A file that cannot exist: no password comes from the home directory of whoever runs this process.
      ("passfile", "/dev/null/none"),
    ]
    // An empty password makes libpq look for one elsewhere, and none at all would let PGPASSWORD through.
    parameters.append(("password", password?.secret ?? ""))
    if let caFile { parameters.append(("sslrootcert", caFile)) }
    if let clientCertificate {
      parameters += [("sslcert", clientCertificate.certificateFile), ("sslkey", clientCertificate.keyFile)]
    }
    switch purpose {
    case .sql: parameters.append(("dbname", database))
    case .replication: parameters += [("dbname", "replication"), ("replication", "true")]
    }
    return parameters
  }
}
