import CPosix

/// What a process that moves much data sets once, when it starts.
public enum ProcessMemory {
  /// Keeps malloc from giving every thread a heap of its own. Buffers of some MiB go from thread to thread here, and
  /// each heap keeps the room of the largest that it ever held: a backup took twice the memory without this. Call it
  /// first thing in `main`.
  public static func boundHeaps() { cposix_limit_malloc_arenas(2) }
}
