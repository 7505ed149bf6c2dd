import Foundation
import KubeModel
import Testing

@Suite("Quantities")
struct QuantityTests {
  @Test(
    "every notation of an amount is read exactly",
    arguments: [
      ("0", 0), ("10Gi", 10_737_418_240), ("1.5G", 1_500_000_000), ("12e6", 12_000_000), ("1E3", 1000),
      ("1E", 1_000_000_000_000_000_000), ("7Ei", 8_070_450_532_247_928_832), ("2k", 2000), ("0.5Mi", 524_288),
      ("-3Ki", -3072), ("100m", 1), ("1u", 1), ("-100m", -1), ("+5", 5),
    ] as [(String, Int64)])
  func reads(text: String, rounded: Int64) {
    #expect(Quantity(text)?.integer == rounded)
    #expect(Quantity(text)?.description == text)
  }

  @Test("what is no amount is refused", arguments: ["", "Gi", "1gi", "1 Gi", "1KB", "1.2.3", "1e", "--1", "1-", "１"])
  func refuses(text: String) {
    #expect(Quantity(text) == nil)
  }

  @Test("amounts are equal by value, however they are written")
  func equality() throws {
    #expect(try #require(Quantity("1Gi")) == Quantity(bytes: 1 << 30))
    #expect(try #require(Quantity("1000m")) == #require(Quantity("1")))
    #expect(try #require(Quantity("1Gi")) > #require(Quantity("1G")))
    #expect(Quantity("500m")?.milli == 500)
    #expect(Quantity("9999999E")?.integer == nil)
  }

  @Test(
    "bytes are written with the largest exact suffix",
    arguments: [(0, "0"), (1 << 30, "1Gi"), (1536, "1536"), (3 << 20, "3Mi"), (-2048, "-2Ki")] as [(Int64, String)])
  func writes(bytes: Int64, text: String) {
    #expect(Quantity(bytes: bytes).description == text)
  }

  @Test("a spec that has a bare number is read, and goes back as text")
  func bareNumber() throws {
    let quantities = try JSONDecoder().decode([Quantity].self, from: Data(#"[5, "10Gi"]"#.utf8))
    #expect(quantities.map(\.description) == ["5", "10Gi"])
  }
}
