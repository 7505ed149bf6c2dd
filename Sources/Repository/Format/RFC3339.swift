import NIOCore
import ObjectStore

/// Times as Go writes them into JSON (`2015-01-02T18:10:50.895208559+01:00`), which restic's files hold.
enum RFC3339 {
  /// UTC, with as many digits of fraction as the time has.
  static func text(_ time: UnixTime) -> String {
    var buffer = ByteBuffer()
    time.write(to: &buffer)
    return String(buffer: buffer)
  }

  /// Any zone, up to nine digits of fraction; nil when `text` is something else.
  static func time(_ text: String) -> UnixTime? {
    var text = text
    return text.withUTF8 { UnixTime(rfc3339: UnsafeRawBufferPointer($0)) }
  }
}
