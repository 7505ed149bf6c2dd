#define _GNU_SOURCE
#include "cposix.h"

#include <errno.h>
#include <limits.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <linux/openat2.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>

// The same promise as openat2's, one component at a time: for kernels before 5.6, and sandboxes that refuse openat2.
static int open_by_component(int root, const char *path, int flags, mode_t mode) {
  int directory = root;
  const char *rest = path;
  for (;;) {
    const char *slash = strchr(rest, '/');
    size_t length = slash ? (size_t)(slash - rest) : strlen(rest);
    char name[NAME_MAX + 1];
    int result = -1;
    if (length > NAME_MAX) {
      errno = ENAMETOOLONG;
    } else if (length == 0 || (length == 2 && rest[0] == '.' && rest[1] == '.')) {
      errno = EXDEV;
    } else {
      memcpy(name, rest, length);
      name[length] = 0;
      result = slash ? openat(directory, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                     : openat(directory, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
    }
    if (directory != root) {
      int kept = errno;
      close(directory);
      errno = kept;
    }
    if (result < 0 || !slash) return result;
    directory = result;
    rest = slash + 1;
  }
}

int cposix_open_beneath(int root, const char *path, int flags, mode_t mode) {
  static atomic_bool unsupported = false;
  if (!atomic_load_explicit(&unsupported, memory_order_relaxed)) {
    struct open_how how;
    memset(&how, 0, sizeof how);
    how.flags = (unsigned long long)(flags | O_NOFOLLOW | O_CLOEXEC);
    how.mode = (flags & O_CREAT) ? mode : 0;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    for (;;) {
      long result = syscall(SYS_openat2, root, path, &how, sizeof how);
      if (result >= 0) return (int)result;
      if (errno == EAGAIN) continue;
      if (errno != ENOSYS && errno != EPERM) return -1;
      break;
    }
    if (errno == ENOSYS) atomic_store_explicit(&unsupported, true, memory_order_relaxed);
  }
  return open_by_component(root, path, flags, mode);
}

const char *cposix_error_text(int number, char *room, size_t capacity) { return strerror_r(number, room, capacity); }

int cposix_syncfs(int descriptor) { return syncfs(descriptor); }

void cposix_bound_malloc(int arenas, int own_mapping_from, int kept_at_top) {
#ifdef __GLIBC__
  mallopt(M_ARENA_MAX, arenas);
  mallopt(M_MMAP_THRESHOLD, own_mapping_from);
  mallopt(M_TRIM_THRESHOLD, kept_at_top);
#else
  (void)arenas;
  (void)own_mapping_from;
  (void)kept_at_top;
#endif
}

int cposix_exchange(const char *first, const char *second) {
  return (int)syscall(SYS_renameat2, AT_FDCWD, first, AT_FDCWD, second, 2 /* RENAME_EXCHANGE, linux/fs.h */);
}
