#pragma once
#include <git2.h>
#include <git2/sys/odb_backend.h>
#include <git2/sys/repository.h>
#include <git2/sys/stream.h>
#include <git2/sys/transport.h>

// git_libgit2_opts is variadic, which Swift cannot call.

static inline int crdt_libgit2_enable_fsync(void) {
  return git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
}

static inline int crdt_libgit2_enable_strict_hash_verification(void) {
  return git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1);
}

static inline int crdt_libgit2_set_certificates(const char *file, const char *folder) {
  return git_libgit2_opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, file, folder);
}

// libgit2's "inheritance": its struct comes first, our owner behind it.

typedef struct {
  git_smart_subtransport parent;
  void *owner;
} crdt_subtransport;

typedef struct {
  git_smart_subtransport_stream parent;
  void *owner;
} crdt_subtransport_stream;

typedef struct {
  git_odb_backend parent;
  void *owner;
} crdt_odb_backend;

typedef struct {
  git_stream parent;
  void *owner;
} crdt_stream;
