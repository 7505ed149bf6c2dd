import COpenSSL

/// The certificate authority of one instance, and what it signs.
///
/// ECDSA on P-256 with SHA-256: channel binding has no digest for the newer algorithms.
struct InstanceAuthority: Sendable {
  /// A certificate and its key, both in PEM.
  struct Identity: Sendable, Equatable {
    var certificate: [UInt8]
    var key: [UInt8]
  }

  /// What a certificate is for.
  enum Purpose: Sendable {
    /// Signing others.
    case authority
    /// A server under these DNS names.
    case server([String])
    /// A client that comes in as the role of the certificate's name.
    case client
  }

  /// The authority's own certificate and key.
  let identity: Identity

  /// How long what an instance keeps is valid, in seconds: longer than any instance lives.
  static let lasting = 100 * 365 * day

  /// A new authority, called `name` (at most 64 bytes).
  static func make(name: String) throws -> InstanceAuthority {
    InstanceAuthority(identity: try issue(.authority, name: name, lifetime: lasting, signer: nil))
  }

  /// A certificate for `name` (at most 64 bytes), valid from a day ago, for clocks that differ, to `lifetime` seconds
  /// from now.
  func issue(_ purpose: Purpose, name: String, lifetime: Int) throws -> Identity {
    try Self.issue(purpose, name: name, lifetime: lifetime, signer: identity)
  }

  static let day = 86_400

  private static func issue(_ purpose: Purpose, name: String, lifetime: Int, signer: Identity?) throws -> Identity {
    let key = try makeKey()
    defer { EVP_PKEY_free(key) }
    guard let certificate = X509_new() else { throw failure("make a certificate") }
    defer { X509_free(certificate) }
    let issuer = try signer.map { try Signer($0) }
    defer { issuer?.free() }
    var serial = [UInt8](repeating: 0, count: 8)
    guard RAND_bytes(&serial, 8) == 1 else { throw failure("find a serial number") }
    serial[0] &= 0x7f
    let number = serial.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard X509_set_version(certificate, 2) == 1,
      ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), number) == 1,
      X509_gmtime_adj(X509_getm_notBefore(certificate), -day) != nil,
      X509_time_adj_ex(X509_getm_notAfter(certificate), Int32(lifetime / day), lifetime % day, nil) != nil,
      X509_set_pubkey(certificate, key) == 1,
      X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8, name, -1, -1, 0) == 1,
      X509_set_issuer_name(certificate, X509_get_subject_name(issuer?.certificate ?? certificate)) == 1
    else { throw failure("fill a certificate") }
    for (identifier, value) in extensions(purpose) {
      try add(identifier, value, to: certificate, issuer: issuer?.certificate ?? certificate)
    }
    guard X509_sign(certificate, issuer?.key ?? key, EVP_sha256()) > 0 else { throw failure("sign a certificate") }
    return Identity(
      certificate: try pem { PEM_write_bio_X509($0, certificate) },
      key: try pem { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) })
  }

  private static func extensions(_ purpose: Purpose) -> [(Int32, String)] {
    switch purpose {
    case .authority: [(NID_basic_constraints, "critical,CA:TRUE"), (NID_key_usage, "critical,keyCertSign")]
    case .server(let names):
      [
        (NID_basic_constraints, "critical,CA:FALSE"), (NID_ext_key_usage, "serverAuth"),
        (NID_subject_alt_name, names.map { "DNS:\($0)" }.joined(separator: ",")),
      ]
    case .client: [(NID_basic_constraints, "critical,CA:FALSE"), (NID_ext_key_usage, "clientAuth")]
    }
  }

  private static func makeKey() throws -> OpaquePointer {
    guard let context = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nil) else { throw failure("make a key") }
    defer { EVP_PKEY_CTX_free(context) }
    var key: OpaquePointer?
    guard EVP_PKEY_keygen_init(context) == 1, EVP_PKEY_CTX_set_group_name(context, "P-256") == 1,
      EVP_PKEY_keygen(context, &key) == 1, let key
    else { throw failure("make a key") }
    return key
  }

  private static func add(
    _ identifier: Int32, _ value: String, to certificate: OpaquePointer, issuer: OpaquePointer
  ) throws {
    var context = X509V3_CTX()
    X509V3_set_ctx(&context, issuer, certificate, nil, nil, 0)
    let made = X509V3_EXT_conf_nid(nil, &context, identifier, value)
    defer { X509_EXTENSION_free(made) }
    guard let made, X509_add_ext(certificate, made, -1) == 1 else { throw failure("add \(value) to a certificate") }
  }

  private static func pem(_ write: (OpaquePointer) -> Int32) throws -> [UInt8] {
    guard let memory = BIO_new(BIO_s_mem()) else { throw failure("write PEM") }
    defer { BIO_free(memory) }
    guard write(memory) == 1 else { throw failure("write PEM") }
    var bytes = [UInt8](repeating: 0, count: BIO_ctrl_pending(memory))
    guard BIO_read(memory, &bytes, Int32(bytes.count)) == bytes.count else { throw failure("write PEM") }
    return bytes
  }

  /// An authority as OpenSSL has it; to be freed.
  private struct Signer {
    let certificate: OpaquePointer
    let key: OpaquePointer

    init(_ identity: Identity) throws {
      guard let certificate = Self.read(identity.certificate, { PEM_read_bio_X509($0, nil, nil, nil) }) else {
        throw failure("read the authority's certificate")
      }
      guard let key = Self.read(identity.key, { PEM_read_bio_PrivateKey($0, nil, nil, nil) }) else {
        X509_free(certificate)
        throw failure("read the authority's key")
      }
      (self.certificate, self.key) = (certificate, key)
    }

    func free() {
      X509_free(certificate)
      EVP_PKEY_free(key)
    }

    private static func read(_ pem: [UInt8], _ parse: (OpaquePointer) -> OpaquePointer?) -> OpaquePointer? {
      guard let memory = BIO_new_mem_buf(pem, Int32(pem.count)) else { return nil }
      defer { BIO_free(memory) }
      return parse(memory)
    }
  }

  private static func failure(_ what: String) -> StepError {
    var text = [CChar](repeating: 0, count: 256)
    ERR_error_string_n(ERR_get_error(), &text, text.count)
    let reason = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return StepError(code: .system, message: "could not \(what): \(reason)")
  }
}
