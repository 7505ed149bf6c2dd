import Foundation

/// The folder that a platform of this machine keeps everything in.
enum StateDirectory {
  /// Makes `child` of the state directory with `mode`, and the state directory itself passable for other users: the
  /// servers' user must reach its instances through it, and sees nothing else.
  static func prepare(_ child: String, mode: Int) throws {
    let files = FileManager.default
    try files.createDirectory(
      at: URL(filePath: child).deletingLastPathComponent(), withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o711])
    try files.createDirectory(
      atPath: child, withIntermediateDirectories: true, attributes: [.posixPermissions: mode])
  }
}
