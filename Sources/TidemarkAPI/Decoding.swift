extension KeyedDecodingContainer {
  /// What stands at `key`, or `fallback` where nothing does: the API server fills in defaults, a file on disk does not.
  func decode<Value: Decodable>(_ key: Key, default fallback: @autoclosure () -> Value) throws -> Value {
    try decodeIfPresent(Value.self, forKey: key) ?? fallback()
  }
}
