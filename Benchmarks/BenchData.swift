import Glibc

/// Data to back up: the same for the same size, every time.
protocol BenchData {
  /// As the table says it.
  var name: String { get }
  /// As object keys say it.
  var key: String { get }
  /// Makes it in the directory at `path`, which is empty or not there.
  func make(at path: String) throws
  /// Changes one of so many parts of it; another one in each round.
  func change(oneOf parts: Int, round: Int, at path: String) throws
}

/// Files of 30 KB on average, half of them random bytes, half of them like text, 100 in a directory.
struct SmallFiles: BenchData {
  let count: Int

  var name: String { "\(count) small files" }
  var key: String { "small" }

  func make(at path: String) throws {
    var bytes = BenchBytes(seed: 1)
    for number in 0..<count {
      if number % 100 == 0 {
        try makeDirectories(directory(number, path))
      }
      try write(number, at: path, &bytes)
    }
  }

  func change(oneOf parts: Int, round: Int, at path: String) throws {
    var bytes = BenchBytes(seed: UInt64(2 + 10 * round))
    for number in stride(from: (parts / 2 + round) % parts, to: count, by: parts) {
      try write(number, at: path, &bytes)
    }
  }

  private func directory(_ number: Int, _ path: String) -> String { "\(path)/\(number / 1000)/\(number / 100)" }

  private func write(_ number: Int, at path: String, _ bytes: inout BenchBytes) throws {
    let length = 400 + Int(bytes.word() % 60_000)
    let file = try BenchFile("\(directory(number, path))/file-\(number)")
    try file.write(number % 2 == 0 ? bytes.random(length) : bytes.text(length), at: 0)
  }
}

/// One file, every other mebibyte random bytes, the rest like text.
struct LargeFile: BenchData {
  let bytes: Int64

  var name: String { "one file of \(bytes >> 20) MiB" }
  var key: String { "large" }

  func make(at path: String) throws {
    var source = BenchBytes(seed: 3)
    try makeDirectories(path)
    let file = try BenchFile("\(path)/large")
    for place in 0..<bytes >> 20 {
      try file.write(place % 2 == 0 ? source.random(1 << 20) : source.text(1 << 20), at: place << 20)
    }
  }

  func change(oneOf parts: Int, round: Int, at path: String) throws {
    var source = BenchBytes(seed: UInt64(4 + 10 * round))
    let file = try BenchFile("\(path)/large")
    for place in stride(from: Int64((37 + round) % parts), to: bytes >> 20, by: parts) {
      try file.write(source.random(1 << 20), at: place << 20 + 12_345)
    }
  }
}

/// A file to write to.
final class BenchFile {
  private let descriptor: Int32

  init(_ path: String) throws {
    descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw BenchError("'\(path)' cannot be written: error \(errno)") }
  }

  deinit { close(descriptor) }

  func write(_ bytes: [UInt8], at offset: Int64) throws {
    let count = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, Int(offset)) }
    guard count == bytes.count else { throw BenchError("a file cannot be written: error \(errno)") }
  }
}

/// Bytes that are the same for the same seed.
struct BenchBytes {
  private var state: UInt64
  private var words: [UInt64] = []

  init(seed: UInt64) {
    state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    // Eight letters, most of them small.
    for _ in 0..<1024 { words.append(word() & 0x0F0F_0F0F_0F0F_0F0F | 0x6060_6060_6060_6060) }
  }

  /// Marsaglia's xorshift64.
  mutating func word() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }

  mutating func random(_ count: Int) -> [UInt8] { fill(count) { $0.word() } }

  /// Compresses to about a fifth.
  mutating func text(_ count: Int) -> [UInt8] { fill(count) { $0.words[Int($0.word() >> 40 & 1023)] } }

  private mutating func fill(_ count: Int, _ next: (inout BenchBytes) -> UInt64) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      var position = 0
      while position + 8 <= count {
        raw.storeBytes(of: next(&self), toByteOffset: position, as: UInt64.self)
        position += 8
      }
      while position < count {
        buffer[position] = UInt8(truncatingIfNeeded: next(&self))
        position += 1
      }
      filled = count
    }
  }
}
