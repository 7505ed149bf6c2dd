/// What a key may be: the rules of S3, and no NUL, which neither a file name nor XML can hold.
enum ObjectKeyRules {
  static let longest = 1_024

  static func check(_ key: String, operation: String) throws {
    func refuse(_ why: String) -> ObjectStoreError {
      ObjectStoreError(
        .invalidRequest, operation: operation, key: key,
        message: "the key \(why); expected 1 to \(longest) bytes without a leading slash or a NUL")
    }
    if key.isEmpty { throw refuse("is empty") }
    if key.utf8.count > longest { throw refuse("has \(key.utf8.count) bytes") }
    if key.utf8.first == UInt8(ascii: "/") { throw refuse("begins with a slash") }
    if key.utf8.contains(0) { throw refuse("holds a NUL") }
  }
}

/// Whether `left` comes before `right` in a listing: by bytes of UTF-8, unlike Swift's order of strings.
func precedes(_ left: some Sequence<UInt8>, _ right: some Sequence<UInt8>) -> Bool {
  left.lexicographicallyPrecedes(right)
}
