import ObjectStore
import Testing

@Suite struct EndpointTests {
  struct Row: Sendable {
    let provider: S3Endpoint.Provider
    var region: String?
    var endpoint: String?
    var account: String?
    var jurisdiction: String?
    let url: String
    let signedFor: String
  }

  @Test(
    "each provider has its endpoint and region",
    arguments: [
      Row(provider: .s3, region: "eu-west-1", url: "https://s3.eu-west-1.amazonaws.com", signedFor: "eu-west-1"),
      Row(provider: .s3, region: "cn-north-1", url: "https://s3.cn-north-1.amazonaws.com.cn", signedFor: "cn-north-1"),
      Row(provider: .r2, account: "abc", url: "https://abc.r2.cloudflarestorage.com", signedFor: "auto"),
      Row(
        provider: .r2, account: "abc", jurisdiction: "eu", url: "https://abc.eu.r2.cloudflarestorage.com",
        signedFor: "auto"),
      Row(
        provider: .backblaze, region: "us-west-004", url: "https://s3.us-west-004.backblazeb2.com",
        signedFor: "us-west-004"),
      Row(provider: .minio, endpoint: "http://minio:9000", url: "http://minio:9000", signedFor: "us-east-1"),
      Row(
        provider: .custom, region: "x", endpoint: "HTTPS://S3.Example.org:443/a//b/", url: "https://s3.example.org/a/b",
        signedFor: "x"),
      Row(provider: .custom, endpoint: "http://[::1]:80", url: "http://[::1]", signedFor: "us-east-1"),
      Row(provider: .custom, endpoint: "http://[fe80::1]:8080/", url: "http://[fe80::1]:8080", signedFor: "us-east-1"),
    ])
  func resolves(_ row: Row) throws {
    let endpoint = try S3Endpoint.resolve(
      provider: row.provider, region: row.region, endpoint: row.endpoint, accountID: row.account,
      jurisdiction: row.jurisdiction)
    #expect(endpoint.description == row.url)
    #expect(endpoint.region == row.signedFor)
  }

  @Test("a field that a provider needs and lacks is named")
  func missingFields() {
    let rows: [(S3Endpoint.Provider, String)] = [
      (.s3, "region"), (.backblaze, "region"), (.r2, "accountId"), (.minio, "endpoint"), (.custom, "endpoint"),
    ]
    for (provider, field) in rows {
      let error = #expect(throws: ObjectStoreError.self) { try S3Endpoint.resolve(provider: provider) }
      #expect(error?.code == .invalidRequest)
      #expect(error?.message.contains("'\(field)'") == true)
    }
  }

  @Test(
    "an endpoint that is no URL of a service is refused",
    arguments: [
      "minio:9000", "ftp://a", "http://", "http://a:0", "http://a:99999", "http://a:b", "http://u@a", "http://a?b",
      "http://[::1", "http://a b", "http://ä",
    ])
  func refuses(_ url: String) {
    #expect(throws: ObjectStoreError.self) { try S3Endpoint(url: url, region: "r") }
  }

  @Test(
    "auto addressing is virtual where the service wants it and the name allows it",
    arguments: [
      ("https://s3.eu-west-1.amazonaws.com", "bucket", S3Configuration.Addressing.virtual),
      ("https://s3.eu-west-1.amazonaws.com", "dotted.bucket", .path),
      ("https://s3.eu-west-1.amazonaws.com", "Upper", .path),
      ("https://abc.r2.cloudflarestorage.com", "bucket", .virtual),
      ("http://127.0.0.1:9000", "bucket", .path),
      ("https://s3.example.org", "bucket", .path),
    ])
  func addressing(_ url: String, _ bucket: String, _ expected: S3Configuration.Addressing) throws {
    let configuration = S3Configuration(endpoint: try S3Endpoint(url: url, region: "r"), bucket: bucket)
    #expect(configuration.effectiveAddressing == expected)
  }

  @Test("the bucket stands in the path or in the host, before an encoded key")
  func locations() throws {
    var configuration = S3Configuration(
      endpoint: try S3Endpoint(url: "https://h:8443/base", region: "r"), bucket: "bkt", addressing: .path)
    #expect(configuration.location(of: "a b") == ("h:8443", "/base/bkt/a%20b"))
    #expect(configuration.location(of: nil) == ("h:8443", "/base/bkt"))
    configuration.addressing = .virtual
    #expect(configuration.location(of: "a b") == ("bkt.h:8443", "/base/a%20b"))
    #expect(configuration.location(of: nil) == ("bkt.h:8443", "/base/"))
  }
}
