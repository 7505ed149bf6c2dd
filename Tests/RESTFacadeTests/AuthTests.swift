import Foundation
import KubeClient
import KubeModel
import RESTFacade
import TestSupport
import Testing
import TidemarkAPI

@Suite("Who calls is found out by the cluster, and what they may do is decided by it")
struct AuthTests {
  @Test("no credentials, another scheme, a made-up token and a made-up key are a 401; open paths need none")
  func unknown() async throws {
    try await FacadeBed.with("auth") { bed in
      for credentials in [FacadeBed.Credentials.none, .bearer("nonsense"), .key("nonsense")] {
        let reply = try await bed.call("GET", "/databases", as: credentials).expect(401)
        #expect(reply.code == "UNAUTHORIZED" && reply.headers["www-authenticate"]?.hasPrefix("Bearer") == true)
      }
      try await bed.call("GET", "/databases", headers: ["Authorization": "Basic YTpi"], as: .some(.none)).expect(401)
      for path in ["/healthz", "/readyz", "/openapi.json", "/api/v1/openapi.json"] {
        try await bed.call("GET", path, as: .some(.none)).expect(200)
      }
    }
  }

  @Test("a token that has expired is a 401")
  func expired() async throws {
    try await FacadeBed.with("auth") { bed in
      let token = try await bed.signedToken(validFor: -3600)
      try await bed.call("GET", "/databases", as: .bearer(token)).expect(401)
      let good = try await bed.signedToken(validFor: 3600)
      let reply = try await bed.call("GET", "/databases", as: .bearer(good)).expect(403)
      #expect(reply.message.contains("system:serviceaccount:\(bed.namespace):ci"))
    }
  }

  @Test("RBAC decides per verb, resource and namespace, as it does for kubectl")
  func rbac() async throws {
    try await FacadeBed.with("auth") { bed in
      try await bed.makeDatabase()
      let token = try await bed.signedToken(validFor: 3600)
      try await bed.kube.apply(
        """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: {name: reader}
        rules:
        - {apiGroups: [tidemark.dev], resources: [databases, backups], verbs: [get, list]}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: reader}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
        subjects: [{kind: ServiceAccount, name: ci, namespace: \(bed.namespace)}]
        """, namespace: bed.namespace)
      try await eventually("the binding holds") {
        try await bed.call("GET", "/databases/shop", as: .bearer(token)).status == 200
      }
      try await bed.call("GET", "/databases", as: .bearer(token)).expect(200)
      try await bed.call("GET", "/databases/shop/backups", as: .bearer(token)).expect(200)
      let refused = try await bed.call("POST", "/databases/shop/backups", "{}", as: .bearer(token)).expect(403)
      #expect(refused.code == "FORBIDDEN" && refused.message.contains("create backups.tidemark.dev"))
      try await bed.call("GET", "/backup-schedules", as: .bearer(token)).expect(403)
      // Creating a destination makes a Secret: who may not do the one may not do the other through us.
      try await bed.kube.kubectl(
        "--namespace", bed.namespace, "create", "role", "destinations", "--verb=create",
        "--resource=backupdestinations.tidemark.dev")
      try await bed.kube.kubectl(
        "--namespace", bed.namespace, "create", "rolebinding", "destinations", "--role=destinations",
        "--serviceaccount=\(bed.namespace):ci")
      try await eventually("only the Secret is refused") {
        let reply = try await bed.call(
          "POST", "/settings/backup-destinations", FacadeBed.destination(), as: .bearer(token))
        return reply.status == 403 && reply.message.contains("create secrets")
      }
    }
  }

  @Test("a service key is good for its role and its namespaces, and its Secret holds no key")
  func serviceKeys() async throws {
    let keys = ["viewer": "view-4f8a", "operator": "oper-91bc", "admin": "admi-77de"]
    let place = try await FacadeBed.keysSecret(keys, namespaces: nil)
    try await FacadeBed.with("auth", change: { $0.serviceKeys = place }) { bed in
      try await bed.makeDatabase()
      try await bed.setKeys(keys, namespaces: [bed.namespace], at: place)
      func status(_ key: String, _ method: String, _ path: String, _ body: String? = nil) async throws -> Int {
        try await bed.call(method, path, body, as: .key(keys[key] ?? "")).status
      }
      #expect(try await status("viewer", "GET", "/databases") == 200)
      #expect(try await status("viewer", "POST", "/databases/shop/backups", "{}") == 403)
      #expect(try await status("operator", "POST", "/databases/shop/backups", "{}") == 202)
      #expect(try await status("operator", "POST", "/settings/backup-destinations", FacadeBed.destination()) == 403)
      #expect(try await status("operator", "DELETE", "/backups/none") == 403)
      let admin = FacadeBed.Credentials.key(keys["admin"] ?? "")
      try await bed.call("POST", "/settings/backup-destinations", FacadeBed.destination(), as: admin).expect(201)
      #expect(try await bed.call("GET", "/databases", as: .key("view-4f8b")).status == 401)
      let told = bed.answers.text + bed.log.text
      for key in keys.values { #expect(!told.contains(key)) }
    }
  }

  @Test("a key of another namespace is refused what is here")
  func otherNamespace() async throws {
    let place = try await FacadeBed.keysSecret(["admin": "elsewhere-1"], namespaces: ["elsewhere"])
    try await FacadeBed.with("auth", change: { $0.serviceKeys = place }) { bed in
      let database = try await bed.makeDatabase()
      try await bed.eventuallyGet("/databases/shop") { $0.status == 200 }
      let key = FacadeBed.Credentials.key("elsewhere-1")
      let id = database.metadata.uid ?? ""
      #expect(try await bed.call("GET", "/databases/\(id)", as: key).status == 403)
      #expect(try await bed.call("GET", "/databases/\(bed.namespace)%2Fshop", as: key).status == 403)
      #expect(try await bed.call("GET", "/databases?namespace=\(bed.namespace)", as: key).status == 403)
      #expect(try await bed.call("POST", "/databases/\(id)/backups", "{}", as: key).status == 403)
      #expect(try await bed.call("GET", "/databases", as: key).items.isEmpty)
    }
  }

  @Test("an address that keeps guessing is refused before anybody looks, but for who was known before")
  func guessing() async throws {
    try await FacadeBed.with(
      "auth", change: { $0.limits.failedAuthentications = RateLimit(perSecond: 0.001, burst: 5) }
    ) { bed in
      try await bed.call("GET", "/databases").expect(200)
      for number in 0..<5 { try await bed.call("GET", "/databases", as: .bearer("guess-\(number)")).expect(401) }
      let refused = try await bed.call("GET", "/databases", as: .bearer("guess-6")).expect(429)
      #expect(Int(refused.headers["retry-after"] ?? "") ?? 0 > 0)
      try await bed.call("GET", "/databases").expect(200)
    }
  }
}

extension FacadeBed {
  /// A token of a ServiceAccount `ci` of the namespace, signed with the key of the API server, for so many seconds from
  /// now: the server itself gives none for less than ten minutes.
  func signedToken(validFor seconds: Int) async throws -> String {
    let account = try await kube.kubectl(
      "--namespace", namespace, "create", "serviceaccount", "ci", "--dry-run=client", "--output=yaml")
    try await kube.apply(account, namespace: namespace)
    let uid = try await kube.kubectl(
      "--namespace", namespace, "get", "serviceaccount", "ci", "--output=jsonpath={.metadata.uid}")
    let now = Int(Date().timeIntervalSince1970)
    let claims = """
      {"aud":["https://kubernetes.default.svc"],"iss":"https://kubernetes.default.svc","iat":\(now - 7200),\
      "nbf":\(now - 7200),"exp":\(now + seconds),"sub":"system:serviceaccount:\(namespace):ci",\
      "kubernetes.io":{"namespace":"\(namespace)","serviceaccount":{"name":"ci","uid":"\(uid)"}}}
      """
    let unsigned = Self.base64URL(Data(#"{"alg":"RS256","typ":"JWT"}"#.utf8)) + "." + Self.base64URL(Data(claims.utf8))
    return try await ScratchDirectory.with("token") { scratch in
      let (input, output) = (scratch.file("unsigned"), scratch.file("signature"))
      try unsigned.write(toFile: input, atomically: true, encoding: .utf8)
      try await RunningProgram.run(
        "openssl",
        ["dgst", "-sha256", "-sign", "\(kube.directory)/tls/service-account.key", "-out", output, input])
      return unsigned + "." + Self.base64URL(try Data(contentsOf: URL(filePath: output)))
    }
  }

  private static func base64URL(_ data: Data) -> String {
    data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }

  /// Makes a Secret of service keys, each with the role of its name.
  static func keysSecret(_ keys: [String: String], namespaces: [String]?) async throws -> ObjectKey {
    let kube = try await TestServers.kube()
    let place = ObjectKey(namespace: try await kube.makeNamespace("keys"), name: "service-keys")
    try await kube.apply(manifest(keys, namespaces ?? ["none"]), namespace: place.namespace ?? "")
    return place
  }

  func setKeys(_ keys: [String: String], namespaces: [String], at place: ObjectKey) async throws {
    try await kube.apply(Self.manifest(keys, namespaces), namespace: place.namespace ?? "")
  }

  private static func manifest(_ keys: [String: String], _ namespaces: [String]) -> String {
    let list = namespaces.map { "\"\($0)\"" }.joined(separator: ", ")
    let fields = keys.map { role, key in
      "  \(role): '{\"sha256\": \"\(SHA256Digest(of: key))\", \"role\": \"\(role)\", \"namespaces\": [\(list)]}'"
    }
    return "apiVersion: v1\nkind: Secret\nmetadata: {name: service-keys}\nstringData:\n"
      + fields.joined(separator: "\n") + "\n"
  }
}
