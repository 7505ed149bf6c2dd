/// The types of conditions that Tidemark's kinds carry: kstatus' three, so that GitOps tools read health without a
/// plugin, and our own.
public enum ConditionType {
  /// The resource is in the state that its spec asks for.
  public static let ready = "Ready"
  /// The controller is on its way there.
  public static let reconciling = "Reconciling"
  /// It can't get there without a change by a person.
  public static let stalled = "Stalled"
  /// Every file or object is in the backup as it was at some moment.
  public static let consistent = "Consistent"
  /// The write-ahead log is being stored.
  public static let archiving = "Archiving"
  /// Retention would remove more than half of a target's backups at once, and waits for a person.
  public static let retentionHeld = "RetentionHeld"
}

/// The reasons that conditions, events, logs and errors share.
public enum Reason {
  /// The spec can't be carried out as written.
  public static let invalidSpec = "InvalidSpec"
  /// A Secret, or a field of it, is not there.
  public static let secretMissing = "SecretMissing"
  /// `spec.suspend` is true.
  public static let suspended = "Suspended"

  /// The destination's probe passed.
  public static let validated = "Validated"
  /// The store does not know the access key, or the secret key is wrong.
  public static let credentialsInvalid = "CredentialsInvalid"
  /// The bucket is not there.
  public static let bucketNotFound = "BucketNotFound"
  /// The key may not do what is needed.
  public static let accessDenied = "AccessDenied"
  /// The endpoint does not answer, or its certificate is not trusted.
  public static let endpointUnreachable = "EndpointUnreachable"
  /// The repository can't be opened with the password given.
  public static let passwordInvalid = "PasswordInvalid"

  /// The destination is not there.
  public static let destinationNotFound = "DestinationNotFound"
  /// The destination is there and not Ready.
  public static let destinationNotReady = "DestinationNotReady"
  /// The Database is not there.
  public static let databaseNotFound = "DatabaseNotFound"
  /// The Bucket is not there.
  public static let bucketResourceNotFound = "BucketResourceNotFound"
  /// The Bucket is there and not Ready.
  public static let bucketNotReady = "BucketNotReady"
  /// The Deployment, StatefulSet or DaemonSet is not there.
  public static let applicationNotFound = "ApplicationNotFound"
  /// The application has no volumes, or not those that are named, or they can't be reached.
  public static let volumesNotFound = "VolumesNotFound"
  /// All of the backup is as it was at some moment, file by file.
  public static let consistent = "Consistent"
  /// Some files or objects never held still, or could not be read.
  public static let filesChanged = "FilesChanged"
  /// An application is being scaled down, or up again.
  public static let scaling = "Scaling"
  /// The server was reached and is the expected one.
  public static let connected = "Connected"
  /// The server was not reached, or refused the role.
  public static let connectionFailed = "ConnectionFailed"
  /// The server is another system than the one that was archived.
  public static let systemIdentifierChanged = "SystemIdentifierChanged"
  /// Log is being stored.
  public static let streaming = "Streaming"
  /// Log is not being stored; the receiver tries again.
  public static let interrupted = "Interrupted"
  /// Log was lost before it could be stored.
  public static let walGap = "WALGap"
  /// `spec.pitr` is off.
  public static let disabled = "Disabled"

  /// Waiting for another operation on the same target.
  public static let waiting = "Waiting"
  /// A step is at work.
  public static let running = "Running"
  /// It is done.
  public static let completed = "Completed"
  /// It failed; the message says why.
  public static let failed = "Failed"
  /// A step failed and is tried again.
  public static let retrying = "Retrying"
  /// A step's process was killed, or crashed.
  public static let stepLost = "StepLost"
  /// The spec was changed after the start, and what is under way goes on as it began.
  public static let specChangeIgnored = "SpecChangeIgnored"
  /// What was restored lacks the role, or the database, by which the target is reached.
  public static let targetUnfit = "TargetUnfit"
  /// Something of that name exists and belongs to another.
  public static let nameTaken = "NameTaken"
  /// The kind of target or method is not served by this version.
  public static let unsupported = "Unsupported"
  /// The Backup is not there.
  public static let backupNotFound = "BackupNotFound"
  /// The Backup has not Completed, so there is nothing to restore.
  public static let backupNotCompleted = "BackupNotCompleted"
  /// Retention would remove more at once than it may unasked.
  public static let tooMany = "TooMany"
  /// A schedule waits for its next run.
  public static let scheduled = "Scheduled"
  /// The restored instance takes connections, and clients are not on it.
  public static let readyToSwitch = "ReadyToSwitch"
  /// Clients are on the restored instance.
  public static let switched = "Switched"
  /// Clients are on the previous instance again.
  public static let switchedBack = "SwitchedBack"
  /// The old server can't be kept from taking writes by the role that is named.
  public static let switchNotPermitted = "SwitchNotPermitted"
  /// Clients are being moved from one server to another.
  public static let switching = "Switching"
  /// A switch did not come to its end, and was undone.
  public static let switchFailed = "SwitchFailed"
  /// Another restore has moved the clients on since.
  public static let superseded = "Superseded"
  /// The server holds prepared transactions, which would stay behind.
  public static let preparedTransactions = "PreparedTransactions"
  /// A resource that is in use can't be removed yet.
  public static let inUse = "InUse"
  /// The namespace is being deleted, so that no step can run in it.
  public static let namespaceEnds = "NamespaceEnds"
}
