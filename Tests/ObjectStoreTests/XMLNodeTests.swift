import ObjectStore
import Testing

@Suite struct XMLNodeTests {
  @Test("an answer of S3 is read: prolog, namespace, entities, CDATA, comments, empty elements")
  func reads() throws {
    let node = try XMLNode(
      document: """
        <?xml version="1.0" encoding="UTF-8"?>
        <!-- a listing -->
        <s3:List xmlns="http://s3.amazonaws.com/doc/2006-03-01/" a = 'b>'>
          <Key>a&amp;b&lt;&gt;&quot;&apos;&#65;&#x1F642;</Key><Key><![CDATA[<&>]]>x</Key><Empty/><Also></Also>
          <Outer><Inner>1</Inner><!-- no --></Outer>
        </s3:List>
        """.utf8)
    #expect(node.name == "List")
    #expect(node["Key"] == "a&b<>\"'A🙂")
    #expect(node.all("Key").map(\.text) == ["a&b<>\"'A🙂", "<&>x"])
    #expect(node["Empty"] == "" && node["Also"] == "" && node["Missing"] == nil)
    #expect(node.child("Outer")?["Inner"] == "1")
  }

  @Test(
    "what is no document is refused, with the place",
    arguments: [
      "", "text", "<a>", "<a></b>", "<a><b></a></b>", "<a/><b/>", "<a>&nope;</a>", "<a>&#xD800;</a>", "<a b></a>",
      "<a b=c></a>", "<a", "<a>&amp</a>", "<a/>x", "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "< a/>",
      String(repeating: "<a>", count: 100_000),
    ])
  func refuses(_ text: String) { #expect(throws: XMLNode.Malformed.self) { try XMLNode(document: text.utf8) } }

  @Test("bytes that are not UTF-8 are refused")
  func notUTF8() {
    #expect(throws: XMLNode.Malformed.self) { try XMLNode(document: Array("<a>".utf8) + [0xFF] + Array("</a>".utf8)) }
  }

  @Test("no cut document is taken for a whole one")
  func cuts() throws {
    let whole = Array("<?xml version='1.0'?><L a=\"b\"><K>x&amp;y</K><E/><![CDATA[z]]></L>".utf8)
    _ = try XMLNode(document: whole)
    for end in 0..<whole.count {
      #expect(throws: XMLNode.Malformed.self) { try XMLNode(document: whole[..<end]) }
    }
  }
}
