// System calls that Swift's Glibc module does not carry. Functions here wrap; they decide nothing.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

/// Opens `path` (relative) below the directory `root` without following any symbolic link and without leaving `root`.
/// Returns a descriptor, or -1 with errno (ELOOP where a part of the path is a symbolic link, EXDEV where it leaves).
int cposix_open_beneath(int root, const char *path, int flags, mode_t mode);

/// Writes everything of the file system that holds `descriptor` to its device.
int cposix_syncfs(int descriptor);

/// The sentence for an error number, in `room` of `capacity` bytes or in memory that is never freed.
const char *cposix_error_text(int number, char *room, size_t capacity);

/// Waits for the child `pid`; its exit status as waitpid gives it, and what it used of the machine.
pid_t cposix_wait4(pid_t pid, int *status, struct rusage *usage);
