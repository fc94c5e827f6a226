import Durability
import Glibc

/// What runs in the background said: a file of at most `limitBytes`, and one older one beside it (`.1`).
///
/// Mode 0600, in the user's state folder, never in `/tmp`.
struct BoundedLog {
  let path: String
  let limitBytes: Int64

  init(path: String, limitBytes: Int64 = 1 << 20) {
    self.path = path
    self.limitBytes = limitBytes
  }

  /// `$XDG_STATE_HOME/crdt-backup/log`, else `~/.local/state/crdt-backup/log`; `nil` when not even HOME is set.
  static func defaultPath(environment: [String: String]) -> String? {
    stateFolder(environment: environment).map { $0 + "/log" }
  }

  /// The folder for what is neither data nor settings.
  static func stateFolder(environment: [String: String]) -> String? {
    // The XDG specification says that relative paths there are to be ignored.
    if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") { return state + "/crdt-backup" }
    guard let home = environment["HOME"], !home.isEmpty else { return nil }
    return home + "/.local/state/crdt-backup"
  }

  /// Appends a line. Throws ``StorageError``; whoever logs has nobody else to tell and may ignore it.
  func append(_ line: String) throws(StorageError) {
    let files = RealFileSystem()
    let slash = path.lastIndex(of: "/") ?? path.startIndex
    try files.createFolder(String(path[..<slash]))
    let lock = try FileLock.acquire(path + ".lock", waitSeconds: 5)
    try write(line, files)
    _ = consume lock
  }

  private func write(_ line: String, _ files: RealFileSystem) throws(StorageError) {
    let bytes = Array((line + "\n").utf8.prefix(Int(limitBytes) / 4))
    if let there = try files.information(path, followingLinks: false), there.sizeBytes + Int64(bytes.count) > limitBytes
    {
      try files.rename(path, to: path + ".1")
    }
    let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw StorageError(errno: errno, operation: "append to", path: path) }
    defer { close(descriptor) }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw StorageError(errno: errno, operation: "append to", path: path) }
      rest = rest.dropFirst(count)
    }
  }
}
