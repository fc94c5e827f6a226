import CRDT
import Durability
import Glibc
import Synchronization

/// Files in memory, for simulations: what `RealFileSystem` does, without a disk, and with a power cut on order.
public final class MemoryFileSystem: FileSystem {
  private struct State {
    var files: [String: [UInt8]] = [:]
    var folders: Set<String> = []
    var versions: [String: Int64] = [:]
    var clock: Int64 = 1
    /// Writes that still succeed; `nil`: all do.
    var writesLeft: Int?
    var beforeWrite: (@Sendable (String) -> Void)?
  }

  private let state = Mutex(State())

  public init() {}

  /// After `count` more changes every change fails, as after a power cut; `nil` heals.
  public func failWrites(after count: Int?) { state.withLock { $0.writesLeft = count } }

  /// Calls this before each write, with the path: another program at work.
  public func beforeEachWrite(_ body: (@Sendable (String) -> Void)?) { state.withLock { $0.beforeWrite = body } }

  /// Files that are written from now on have at least this time.
  public func setTime(_ time: Instant) {
    state.withLock { $0.clock = max($0.clock, time.seconds * 1_000_000_000) }
  }

  /// Sets a file as its user would.
  public func put(_ path: String, _ bytes: [UInt8]) {
    state.withLock { state in
      state.files[path] = bytes
      state.clock += 1
      state.versions[path] = state.clock
    }
  }

  /// Removes everything below a folder, as its user would.
  public func removeAll(below folder: String) {
    state.withLock { state in
      for path in state.files.keys where path.hasPrefix(folder + "/") { state.files[path] = nil }
    }
  }

  /// The files below a folder, by their path from there.
  public func all(below folder: String) -> [String: [UInt8]] {
    state.withLock { state in
      var found: [String: [UInt8]] = [:]
      for (path, bytes) in state.files where path.hasPrefix(folder + "/") {
        found[String(path.dropFirst(folder.count + 1))] = bytes
      }
      return found
    }
  }

  /// A file's bytes, `nil` when there is none.
  public func get(_ path: String) -> [UInt8]? { state.withLock { $0.files[path] } }

  public func read(_ path: String, limitBytes: Int) throws(StorageError) -> [UInt8]? { get(path) }

  public func information(_ path: String, followingLinks: Bool) throws(StorageError) -> FileInformation? {
    state.withLock { state in
      if let bytes = state.files[path] {
        let time = state.versions[path] ?? 0
        return FileInformation(
          kind: .file, sizeBytes: Int64(bytes.count), modifiedNanoseconds: time, changedNanoseconds: time, device: 1,
          inode: 1, mode: 0o600, ownerID: 0)
      }
      guard state.folders.contains(path) || state.files.keys.contains(where: { $0.hasPrefix(path + "/") }) else {
        return nil
      }
      return FileInformation(
        kind: .folder, sizeBytes: 0, modifiedNanoseconds: 0, changedNanoseconds: 0, device: 1, inode: 2, mode: 0o700,
        ownerID: 0)
    }
  }

  public func replace(_ path: String, with bytes: [UInt8], mode: ReplacementMode, ifStill expected: FileInformation?)
    throws(StorageError)
  {
    if let expected, try information(path, followingLinks: true) != expected {
      throw StorageError(.changed, operation: "replace", path: path)
    }
    try write(path)
    put(path, bytes)
  }

  public func overwrite(_ path: String, with bytes: [UInt8]) throws(StorageError) {
    guard let there = get(path) else { throw StorageError(errno: ENOENT, operation: "write", path: path) }
    try write(path)
    put(path, bytes + there.dropFirst(bytes.count))
  }

  public func createFolder(_ path: String) throws(StorageError) {
    _ = state.withLock { $0.folders.insert(path) }
  }

  public func list(_ path: String) throws(StorageError) -> [String] {
    state.withLock { state in
      Set(
        state.files.keys.filter { $0.hasPrefix(path + "/") }.map {
          String($0.dropFirst(path.count + 1).prefix { $0 != "/" })
        }
      ).sorted()
    }
  }

  @discardableResult
  public func remove(_ path: String) throws(StorageError) -> Bool {
    try write(path)
    return state.withLock { $0.files.removeValue(forKey: path) != nil }
  }

  public func rename(_ path: String, to newPath: String) throws(StorageError) {
    try write(path)
    guard let bytes = get(path) else { throw StorageError(errno: ENOENT, operation: "rename", path: path) }
    put(newPath, bytes)
    _ = state.withLock { $0.files.removeValue(forKey: path) }
  }

  private func write(_ path: String) throws(StorageError) {
    state.withLock { $0.beforeWrite }?(path)
    let isDead = state.withLock { state in
      guard let left = state.writesLeft else { return false }
      if left == 0 { return true }
      state.writesLeft = left - 1
      return false
    }
    if isDead { throw StorageError(errno: EIO, operation: "write (injected)", path: path) }
  }
}
