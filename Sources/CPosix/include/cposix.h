// System calls that Swift's Glibc module does not carry. Functions here wrap; they decide nothing.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

/// Opens `path` (relative) below the directory `root` without following any symbolic link and without leaving `root`.
/// Returns a descriptor, or -1 with errno (ELOOP where a part of the path is a symbolic link, EXDEV where it leaves).
int cposix_open_beneath(int root, const char *path, int flags, mode_t mode);

/// Writes everything of the file system that holds `descriptor` to its device.
int cposix_syncfs(int descriptor);

/// The sentence for an error number, in `room` of `capacity` bytes or in memory that is never freed.
const char *cposix_error_text(int number, char *room, size_t capacity);

/// Swaps what the names `first` and `second`, on one file system, stand for; nobody sees a moment in between. Returns
/// 0, or -1 with errno.
int cposix_exchange(const char *first, const char *second);

/// Bounds what malloc keeps of memory that was freed: as many heaps as `arenas`, allocations of `own_mapping_from` bytes
/// and more in mappings of their own, which go back to the system, and `kept_at_top` free bytes at the end of a heap.
void cposix_bound_malloc(int arenas, int own_mapping_from, int kept_at_top);
