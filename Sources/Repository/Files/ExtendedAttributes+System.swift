import CPosix
import Glibc

extension ExtendedAttribute {
  /// The attributes of `name` in the open directory `directory`, sorted by name; symbolic links are not followed.
  /// Where the file system has none, or does not let us look, there are none.
  static func all(of name: ByteString, in directory: Int32) -> [ExtendedAttribute] {
    let path = pathThroughDescriptor(directory, name)
    return all(list: { llistxattr(path, $0, $1) }, get: { lgetxattr(path, $0, $1, $2) })
  }

  /// The attributes of the open file `descriptor`.
  static func all(of descriptor: Int32) -> [ExtendedAttribute] {
    all(list: { flistxattr(descriptor, $0, $1) }, get: { fgetxattr(descriptor, $0, $1, $2) })
  }

  private static func all(
    list: (UnsafeMutablePointer<CChar>?, Int) -> Int,
    get: (UnsafePointer<CChar>, UnsafeMutableRawPointer?, Int) -> Int
  ) -> [ExtendedAttribute] {
    // Most files have none: the first call says so without memory being taken.
    let size = list(nil, 0)
    guard size > 0 else { return [] }
    var names = [CChar](repeating: 0, count: size + 256)
    let length = names.withUnsafeMutableBufferPointer { list($0.baseAddress, $0.count) }
    guard length > 0 else { return [] }
    return names[..<length].split(separator: 0).compactMap { part in
      let name = ByteString(part.map { UInt8(bitPattern: $0) })
      return name.withCString { text in value { get(text, $0, $1) } }.map { ExtendedAttribute(name: name, value: $0) }
    }.sorted { $0.name < $1.name }
  }

  private static func value(_ get: (UnsafeMutableRawPointer?, Int) -> Int) -> [UInt8]? {
    // The value may grow between the two calls.
    for _ in 0..<4 {
      let size = get(nil, 0)
      guard size >= 0 else { return nil }
      if size == 0 { return [] }
      var bytes = [UInt8](repeating: 0, count: size)
      let length = bytes.withUnsafeMutableBytes { get($0.baseAddress, $0.count) }
      if length >= 0 { return Array(bytes[..<length]) }
      guard errno == ERANGE else { return nil }
    }
    return nil
  }
}

/// A path by which calls that take no directory descriptor reach `name` in `directory`.
func pathThroughDescriptor(_ directory: Int32, _ name: ByteString) -> [CChar] {
  var path = Array("/proc/self/fd/\(directory)/".utf8)
  path.append(contentsOf: name.bytes)
  path.append(0)
  return path.map { CChar(bitPattern: $0) }
}
