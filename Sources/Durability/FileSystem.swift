/// What a name in the file system is.
public enum FileKind: Sendable, Hashable {
  case file, folder, symbolicLink, other
}

/// What `stat` tells of a file; equal values mean that the file was, with the certainty of its time stamps, not
/// touched in between.
public struct FileInformation: Sendable, Hashable {
  public var kind: FileKind
  public var sizeBytes: Int64
  /// Modification and status-change time in nanoseconds since 1970.
  public var modifiedNanoseconds: Int64
  public var changedNanoseconds: Int64
  public var device: UInt64
  public var inode: UInt64
  /// Permission bits only, such as `0o600`.
  public var mode: UInt32
  public var ownerID: UInt32

  public init(
    kind: FileKind, sizeBytes: Int64, modifiedNanoseconds: Int64, changedNanoseconds: Int64, device: UInt64,
    inode: UInt64, mode: UInt32, ownerID: UInt32
  ) {
    self.kind = kind
    self.sizeBytes = sizeBytes
    self.modifiedNanoseconds = modifiedNanoseconds
    self.changedNanoseconds = changedNanoseconds
    self.device = device
    self.inode = inode
    self.mode = mode
    self.ownerID = ownerID
  }
}

/// The permission bits of a replaced file.
public enum ReplacementMode: Sendable, Hashable {
  /// Exactly these bits, whatever was there.
  case exact(UInt32)
  /// The bits of the file that is replaced; these for a new one.
  case keep(orElse: UInt32)
}

/// The file-system calls durable state needs, as a seam where tests put faults.
///
/// Paths are plain POSIX paths. Every call throws ``StorageError`` and, where it changes something, returns only
/// after the change is on stable storage (file and folder synced). After a throw the old state is still there.
public protocol FileSystem: Sendable {
  /// The whole file, `nil` when there is none. Throws `.tooLarge` beyond `limitBytes` without reading it all.
  /// A file that changes size while being read is read again, at most a few times.
  func read(_ path: String, limitBytes: Int) throws(StorageError) -> [UInt8]?

  /// What is at `path`, `nil` when nothing is. Links are followed when asked.
  func information(_ path: String, followingLinks: Bool) throws(StorageError) -> FileInformation?

  /// Atomically replaces or creates the file: readers see the old bytes or the new ones, whole, also after a
  /// power cut. A symbolic link is kept and its target replaced. With `expected` it throws `.changed`, and
  /// replaces nothing, unless the file is still what `expected` describes.
  func replace(_ path: String, with bytes: [UInt8], mode: ReplacementMode, ifStill expected: FileInformation?)
    throws(StorageError)

  /// Writes over the start of a file that is there, in place. Not synced, unlike everything else here: it survives the
  /// process, and after a power cut the file may hold either bytes. For at most a page, which is written whole.
  func overwrite(_ path: String, with bytes: [UInt8]) throws(StorageError)

  /// The path that symbolic links at the end of `path` lead to, whether or not anything is there.
  func target(of path: String) throws(StorageError) -> String

  /// Creates the folder and its missing parents with mode 0700. Existing folders are left as they are.
  func createFolder(_ path: String) throws(StorageError)

  /// The names in a folder, sorted by bytes, without `.` and `..`. Throws `.notFound` when there is none.
  func list(_ path: String) throws(StorageError) -> [String]

  /// Removes a file or a symbolic link (not its target). Returns whether there was one.
  @discardableResult
  func remove(_ path: String) throws(StorageError) -> Bool

  /// Renames within one file system, replacing a file of the new name.
  func rename(_ path: String, to newPath: String) throws(StorageError)
}

extension FileSystem {
  /// For file systems without symbolic links.
  public func target(of path: String) throws(StorageError) -> String { path }

  /// Replaces with mode 0600, whatever is there.
  public func replace(_ path: String, with bytes: [UInt8]) throws(StorageError) {
    try replace(path, with: bytes, mode: .exact(0o600), ifStill: nil)
  }

  /// Replaces whatever is there.
  public func replace(_ path: String, with bytes: [UInt8], mode: ReplacementMode) throws(StorageError) {
    try replace(path, with: bytes, mode: mode, ifStill: nil)
  }

  /// Replaces only when the bytes differ. Returns whether it wrote.
  public func replaceIfChanged(
    _ path: String, with bytes: [UInt8], mode: ReplacementMode = .exact(0o600)
  ) throws(StorageError) -> Bool {
    if let there = try information(path, followingLinks: true), there.kind == .file,
      there.sizeBytes == Int64(bytes.count), try read(path, limitBytes: bytes.count) == bytes
    {
      return false
    }
    try replace(path, with: bytes, mode: mode, ifStill: nil)
    return true
  }

  /// What is at `path`, links followed.
  public func information(_ path: String) throws(StorageError) -> FileInformation? {
    try information(path, followingLinks: true)
  }
}
