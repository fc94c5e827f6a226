import Glibc

extension ProjectFolder {
  /// Why nothing can be applied here; `nil` where nothing speaks against it.
  public func writeRefusal() -> CRSError? {
    for file in [path, journal, journal + "-wal", journal + "-shm", journalLock] {
      let mode = file == path ? W_OK | X_OK : W_OK
      guard access(file, mode) != 0 else { continue }
      let number = errno
      if number == ENOENT { continue }
      return CRSError(
        .permission, "\(file) cannot be written: \(number == EROFS ? "read-only file system" : "no permission")",
        remedy: "What is kept can be read. Run as the owner of the folder, change its mode, or give another with --data"
      )
    }
    return nil
  }
}
