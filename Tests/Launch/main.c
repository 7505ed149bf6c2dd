// tidemark-launch FIGURES PROGRAM [ARGUMENT]...: runs a program, and writes to the file FIGURES what the system counted
// of it: seconds, seconds of CPU time, and the KiB of its largest resident set (or of a child that it waited for).
//
// A process keeps the largest resident set over exec (fs/exec.c: exec_mmap), so that a child that a large process
// starts by vfork never shows less than what that one had. This program is as small as can be.
//
// The exit code is the program's; 128 and the number where a signal ended it, 126 or 127 where it could not be run.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double seconds(struct timeval time) { return (double)time.tv_sec + (double)time.tv_usec / 1e6; }

int main(int count, char **arguments) {
  if (count < 3) {
    fprintf(stderr, "usage: tidemark-launch FIGURES PROGRAM [ARGUMENT]...\n");
    return 2;
  }
  double begin = now();
  pid_t child = fork();
  if (child == 0) {
    execvp(arguments[2], arguments + 2);
    perror(arguments[2]);
    _exit(127);
  }
  int status = 0;
  struct rusage usage;
  if (child < 0) {
    perror("fork");
    return 126;
  }
  while (wait4(child, &status, 0, &usage) < 0) {
    if (errno == EINTR) continue;
    perror("wait4");
    return 126;
  }
  double elapsed = now() - begin;
  FILE *figures = fopen(arguments[1], "w");
  if (figures == NULL || fprintf(figures, "%.6f %.6f %ld\n", elapsed, seconds(usage.ru_utime) + seconds(usage.ru_stime),
                                 usage.ru_maxrss) < 0 || fclose(figures) != 0) {
    perror(arguments[1]);
    return 126;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
