#define _GNU_SOURCE
#include "CSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

char *const *system_environment(void) { return environ; }

int system_pipe(int descriptors[2]) { return pipe2(descriptors, O_CLOEXEC) == 0 ? 0 : errno; }

int system_spawn_add_folder(posix_spawn_file_actions_t *actions, const char *path) {
  return posix_spawn_file_actions_addchdir_np(actions, path);
}

int system_spawn_add_close_from(posix_spawn_file_actions_t *actions, int first) {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
  return posix_spawn_file_actions_addclosefrom_np(actions, first);
#else
  (void)actions;
  (void)first;
  return 0;
#endif
}

short system_spawn_new_session(void) { return POSIX_SPAWN_SETSID; }

void system_error_text(int number, char *text, size_t size) {
  if (size == 0) return;
  const char *found = strerror_r(number, text, size);
  if (found != text) strncpy(text, found, size - 1);
  text[size - 1] = '\0';
}
