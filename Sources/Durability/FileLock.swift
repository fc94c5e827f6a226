import Glibc

/// An exclusive advisory lock between processes, held as long as the value lives.
///
/// It is an flock(2), so the kernel releases it when the holder dies, however it dies: no stale lock can block. The
/// file stays; it holds the holder's process id for people to read.
public struct FileLock: ~Copyable, Sendable {
  private let descriptor: Int32
  /// Whether the holder before this one died: one that ends takes its name off the file, and having the lock proves
  /// that it holds nothing any more.
  public let isAfterDeath: Bool

  private init(descriptor: Int32, isAfterDeath: Bool) {
    self.descriptor = descriptor
    self.isAfterDeath = isAfterDeath
  }

  deinit {
    _ = ftruncate(descriptor, 0)
    _ = close(descriptor)
  }

  /// Takes the lock or, after `waitSeconds`, throws `.locked` naming the holder. 0 means: try once.
  ///
  /// The file is created with mode 0600 when missing; its folder has to exist.
  public static func acquire(_ path: String, waitSeconds: Double) throws(StorageError) -> FileLock {
    let end = ContinuousClock.now + .seconds(waitSeconds)
    var pauseMicroseconds: UInt32 = 1_000
    while true {
      if let lock = try tryAcquire(path) { return lock }
      guard ContinuousClock.now < end else { throw held(path) }
      // Jitter keeps waiters from meeting again and again.
      usleep(UInt32.random(in: pauseMicroseconds / 2...pauseMicroseconds))
      pauseMicroseconds = min(pauseMicroseconds * 2, 50_000)
    }
  }

  /// Takes the lock if it is free now; `nil` when somebody holds it.
  public static func tryAcquire(_ path: String) throws(StorageError) -> FileLock? {
    while true {
      let number = retrying {
        Int(open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600))
      }
      guard number >= 0 else {
        throw StorageError(errno: Int32(-number), operation: "lock", path: path)
      }
      let descriptor = Int32(number)
      let result = retrying { Int(flock(descriptor, LOCK_EX | LOCK_NB)) }
      if result == -Int(EWOULDBLOCK) {
        close(descriptor)
        return nil
      }
      guard result >= 0 else {
        close(descriptor)
        throw StorageError(errno: Int32(-result), operation: "lock", path: path)
      }
      // Somebody may have removed or replaced the file between open and flock: such a lock guards nothing.
      guard isStill(descriptor, at: path) else {
        close(descriptor)
        continue
      }
      var status = stat()
      let isAfterDeath = fstat(descriptor, &status) == 0 && status.st_size > 0
      writeHolder(descriptor)
      return FileLock(descriptor: descriptor, isAfterDeath: isAfterDeath)
    }
  }

  /// The process that says it holds the lock at `path`; `nil` when nobody says so.
  public static func holder(_ path: String) -> Int32? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let bytes = [UInt8](unsafeUninitializedCapacity: 16) { buffer, count in
      count = max(0, read(descriptor, buffer.baseAddress!, buffer.count))
    }
    return Int32(String(decoding: bytes.prefix { $0 >= 0x30 && $0 <= 0x39 }, as: UTF8.self))
  }

  private static func held(_ path: String) -> StorageError {
    let by = holder(path).map { "held by process \($0)" } ?? "held by another process"
    return StorageError(.locked, operation: "lock", path: path, detail: by)
  }

  private static func isStill(_ descriptor: Int32, at path: String) -> Bool {
    var opened = stat()
    var named = stat()
    return fstat(descriptor, &opened) == 0 && stat(path, &named) == 0 && opened.st_ino == named.st_ino
      && opened.st_dev == named.st_dev
  }

  private static func writeHolder(_ descriptor: Int32) {
    // Only for people: a full disk must not keep anybody from locking.
    let text = Array("\(getpid())\n".utf8)
    _ = ftruncate(descriptor, 0)
    _ = pwrite(descriptor, text, text.count, 0)
  }
}
