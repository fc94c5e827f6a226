import Durability
import Glibc
import Replication

/// Turns the commits of a burst into one backup.
///
/// Whoever wants a backup leaves a request, then tries to become the one worker. Whoever cannot leaves it to the worker
/// that is there, which looks again after it has let go of its lock: so a request left at any moment is served. The lock
/// is the kernel's, so a worker that dies blocks nobody, and the next request starts another.
struct HookWorker {
  /// Of the store.
  let paths: StorePaths
  let run: () -> Void
  /// Without a new request for this long, a burst is over …
  var quietSeconds = 1.0
  /// … and it is taken to be over after that many such waits.
  var maximumWaits = 10

  private let files = RealFileSystem()

  init(paths: StorePaths, run: @escaping () -> Void) {
    self.paths = paths
    self.run = run
  }

  /// Leaves a request and, unless another worker is there to, serves all there are.
  func requestAndServe() throws(StorageError) {
    try files.createFolder(paths.privateFolder)
    // A new file each time: that it changed is how the worker sees that a burst goes on.
    try files.replace(paths.hookRequest, with: Array("\(getpid())\n".utf8))
    while try isRequested() {
      guard let lock = try FileLock.tryAcquire(paths.hookLock) else { return }
      try serve()
      _ = consume lock
    }
  }

  /// Serves until nothing is requested. The lock is held.
  private func serve() throws(StorageError) {
    while try isRequested() {
      try waitForQuiet()
      // Taken away before the run: what is requested while it runs is for the next one.
      try files.remove(paths.hookRequest)
      waitForStore()
      run()
    }
  }

  private func isRequested() throws(StorageError) -> Bool {
    try files.information(paths.hookRequest, followingLinks: false) != nil
  }

  private func waitForQuiet() throws(StorageError) {
    var last = try files.information(paths.hookRequest, followingLinks: false)
    for _ in 0..<maximumWaits {
      usleep(useconds_t(quietSeconds * 1_000_000))
      let now = try files.information(paths.hookRequest, followingLinks: false)
      if now == last { return }
      last = now
    }
  }

  /// Another run (cron, a person) may have read the memory before the commit: ours comes after it, and does not fail for it.
  private func waitForStore() {
    let lock = try? FileLock.acquire(paths.lock, waitSeconds: 900)
    _ = consume lock
  }
}
