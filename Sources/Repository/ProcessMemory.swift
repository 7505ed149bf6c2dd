import CPosix

/// What a process that moves much data sets once, when it starts.
public enum ProcessMemory {
  /// Keeps malloc from giving every thread a heap of its own. Buffers of some MiB go from thread to thread here, and
  /// each heap keeps the room of the largest that it ever held: a backup took twice the memory without this.
  ///
  /// Keeps large buffers out of the heaps too. By itself glibc moves the size from which an allocation gets a mapping of
  /// its own up to the largest that was freed, which opening a repository (scrypt takes 32 MiB) puts above every pack:
  /// from then on packs lie in the heaps, and what is freed between them stays. That cost a quarter of the memory.
  ///
  /// Call it first thing in `main`.
  public static func boundHeaps() {
    cposix_bound_malloc(2, 1 << 20, 8 << 20)
  }
}
