// The least any merge has to do: floor COUNT OUTPUT INPUT...
//
// Maps the inputs, looks at every byte once, copies as many as a merge keeps (COUNT, the size of the merge's output)
// and writes those to OUTPUT as durably as a merge does: temporary file, fsync, rename, fsync of the folder.
#include <fcntl.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void fail(const char *what) {
  perror(what);
  exit(74);
}

struct bytes {
  const uint8_t *start;
  size_t count;
};

static struct bytes map(const char *path) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  struct stat information;
  if (file < 0 || fstat(file, &information) != 0) fail(path);
  struct bytes mapped = {NULL, (size_t)information.st_size};
  if (mapped.count > 0) {
    void *start = mmap(NULL, mapped.count, PROT_READ, MAP_PRIVATE, file, 0);
    if (start == MAP_FAILED) fail(path);
    mapped.start = start;
  }
  close(file);
  return mapped;
}

int main(int count, char **arguments) {
  if (count < 4) return 64;
  size_t kept = strtoull(arguments[1], NULL, 10);
  const char *output = arguments[2];
  uint8_t *copy = calloc(kept + 1, 1);
  if (!copy) fail("calloc");
  size_t copied = 0;
  uint64_t quotes = 0;
  for (int index = 3; index < count; index++) {
    struct bytes input = map(arguments[index]);
    for (size_t position = 0; position < input.count; position++) quotes += input.start[position] == '"';
    size_t wanted = input.count < kept - copied ? input.count : kept - copied;
    memcpy(copy + copied, input.start, wanted);
    copied += wanted;
  }

  char temporary[4096], folder[4096];
  snprintf(temporary, sizeof temporary, "%s.floor-%d", output, (int)getpid());
  snprintf(folder, sizeof folder, "%s", output);
  int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) fail(temporary);
  for (size_t written = 0; written < kept;) {
    ssize_t now = write(file, copy + written, kept - written);
    if (now < 0) fail("write");
    written += (size_t)now;
  }
  if (fsync(file) != 0 || close(file) != 0) fail("fsync");
  if (rename(temporary, output) != 0) fail("rename");
  int directory = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0 || fsync(directory) != 0) fail("fsync of the folder");
  return quotes == UINT64_MAX ? 70 : 0;
}
