#pragma once
#include <spawn.h>
#include <stddef.h>

// The few GNU extensions that Swift's Glibc module does not show.

/// The environment of this process, NULL-terminated.
char *const *system_environment(void);

/// pipe2 with close-on-exec: 0, or an errno.
int system_pipe(int descriptors[2]);

/// posix_spawn_file_actions_addchdir_np.
int system_spawn_add_folder(posix_spawn_file_actions_t *actions, const char *path);

/// Closes all descriptors from `first` on in the child, where the C library can (glibc 2.34); else does nothing.
int system_spawn_add_close_from(posix_spawn_file_actions_t *actions, int first);

/// The flag POSIX_SPAWN_SETSID.
short system_spawn_new_session(void);

/// The text of an errno, thread-safe, always terminated.
void system_error_text(int number, char *text, size_t size);
