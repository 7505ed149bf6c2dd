/// Where things lie in an instance's pod, and in that of the step that fills its volume.
enum InstancePaths {
  /// The volume's mount point. The data directory lies below it: the mount point itself belongs to root, and PostgreSQL
  /// wants its directory for itself.
  static let volume = "/tidemark/instance"
  static let data = "\(volume)/data"
  static let recovery = "\(volume)/recovery"
  /// The copy of this program that serves `restore_command`.
  static let programs = "/tidemark/bin"
  static let restoreProgram = "\(programs)/\(ProgramCopy.name)"
  static let authorities = "\(programs)/\(ProgramCopy.authorities)"
  /// The archive's secrets, until recovery has ended.
  static let secrets = "/tidemark/archive"
  /// The server's certificate and key, and the authority of its clients.
  static let certificates = "/tidemark/tls"
  /// Who may come in how.
  static let configuration = "/tidemark/config"
  /// The folder of the Unix socket, for what runs in the pod.
  static let socket = "/tidemark/run"
}

/// PostgreSQL's user in the stock image: the data belong to it, in the step's pod as well.
enum InstanceUser {
  static let uid = 999
  static let gid = 999
}
