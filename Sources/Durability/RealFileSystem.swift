import Glibc

/// The operating system's files.
public struct RealFileSystem: FileSystem {
  /// One system call (or one group that fails as one) inside an operation, in the order they happen.
  public enum Step: String, Sendable, CaseIterable {
    case open, read, createTemporary, write, syncFile, rename, syncFolder, discardTemporary
    case information, createFolder, list, remove
  }

  private let beforeStep: (@Sendable (Step, String) throws(StorageError) -> Void)?

  public init() { beforeStep = nil }

  /// For fault injection: `beforeStep` runs before each step and may throw in its place.
  public init(beforeStep: @escaping @Sendable (Step, String) throws(StorageError) -> Void) {
    self.beforeStep = beforeStep
  }

  func step(_ step: Step, _ path: String) throws(StorageError) {
    if let beforeStep { try beforeStep(step, path) }
  }

  func open(_ path: String, _ flags: Int32, mode: mode_t = 0, operation: String) throws(StorageError)
    -> Descriptor
  {
    let number = retrying { Int(Glibc.open(path, flags | O_CLOEXEC, mode)) }
    guard number >= 0 else {
      throw StorageError(errno: Int32(-number), operation: operation, path: path)
    }
    return Descriptor(adopting: Int32(number))
  }

  public func read(_ path: String, limitBytes: Int) throws(StorageError) -> [UInt8]? {
    let attempts = 5
    for attempt in 1...attempts {
      try step(.open, path)
      let number = retrying { Int(Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) }
      if number == -Int(ENOENT) { return nil }
      guard number >= 0 else {
        throw StorageError(errno: Int32(-number), operation: "read", path: path)
      }
      let file = Descriptor(adopting: Int32(number))
      try step(.read, path)
      let before = try status(file, path)
      switch before.kind {
      case .folder: throw StorageError(errno: EISDIR, operation: "read", path: path)
      case .file: break
      default:
        throw StorageError(.other, operation: "read", path: path, detail: "not a regular file")
      }
      let bytes = try readAll(file, expecting: Int(before.sizeBytes), limitBytes: limitBytes, path: path)
      if try status(file, path) == before, bytes.count == Int(before.sizeBytes) { return bytes }
      if attempt < attempts { usleep(useconds_t(10_000 * attempt)) }
    }
    throw StorageError(.changed, operation: "read", path: path, detail: "it keeps changing while being read")
  }

  private func readAll(
    _ file: borrowing Descriptor, expecting expected: Int, limitBytes: Int, path: String
  ) throws(StorageError) -> [UInt8] {
    guard expected <= limitBytes else { throw tooLarge(path, limitBytes) }
    let number = file.number
    var failure = 0
    // One byte more than expected shows growth without a second pass.
    let bytes = [UInt8](unsafeUninitializedCapacity: expected + 1) { buffer, count in
      count = 0
      while count < buffer.count {
        let got = retrying { Glibc.read(number, buffer.baseAddress! + count, buffer.count - count) }
        if got < 0 { failure = -got }
        if got <= 0 { return }
        count += got
      }
    }
    guard failure == 0 else {
      throw StorageError(errno: Int32(failure), operation: "read", path: path)
    }
    guard bytes.count <= limitBytes else { throw tooLarge(path, limitBytes) }
    return bytes
  }

  private func tooLarge(_ path: String, _ limitBytes: Int) -> StorageError {
    StorageError(.tooLarge, operation: "read", path: path, detail: "more than \(limitBytes) bytes")
  }

  private func status(_ file: borrowing Descriptor, _ path: String) throws(StorageError) -> FileInformation {
    var status = Glibc.stat()
    guard fstat(file.number, &status) == 0 else {
      throw StorageError(errno: errno, operation: "read", path: path)
    }
    return FileInformation(status)
  }

  public func information(_ path: String, followingLinks: Bool) throws(StorageError) -> FileInformation? {
    try step(.information, path)
    var status = Glibc.stat()
    let result = followingLinks ? stat(path, &status) : lstat(path, &status)
    if result != 0 {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw StorageError(errno: errno, operation: "look at", path: path)
    }
    return FileInformation(status)
  }

  public func createFolder(_ path: String) throws(StorageError) {
    try step(.createFolder, path)
    if mkdir(path, 0o700) == 0 {
      try syncFolder(folder(of: path), operation: "create folder")
      return
    }
    switch errno {
    case EEXIST:
      if let there = try information(path, followingLinks: true), there.kind == .folder { return }
      throw StorageError(errno: EEXIST, operation: "create folder", path: path)
    case ENOENT where folder(of: path) != path:
      try createFolder(folder(of: path))
      guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
        throw StorageError(errno: errno, operation: "create folder", path: path)
      }
      try syncFolder(folder(of: path), operation: "create folder")
    default:
      throw StorageError(errno: errno, operation: "create folder", path: path)
    }
  }

  public func list(_ path: String) throws(StorageError) -> [String] {
    try step(.list, path)
    guard let stream = opendir(path) else {
      throw StorageError(errno: errno, operation: "list", path: path)
    }
    defer { closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        guard errno == 0 else { throw StorageError(errno: errno, operation: "list", path: path) }
        break
      }
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  @discardableResult
  public func remove(_ path: String) throws(StorageError) -> Bool {
    try step(.remove, path)
    guard unlink(path) == 0 else {
      if errno == ENOENT { return false }
      throw StorageError(errno: errno, operation: "remove", path: path)
    }
    try syncFolder(folder(of: path), operation: "remove")
    return true
  }

  public func rename(_ path: String, to newPath: String) throws(StorageError) {
    try step(.rename, path)
    guard Glibc.rename(path, newPath) == 0 else {
      throw StorageError(errno: errno, operation: "rename", path: path)
    }
    try syncFolder(folder(of: newPath), operation: "rename")
    if folder(of: path) != folder(of: newPath) { try syncFolder(folder(of: path), operation: "rename") }
  }

  /// Makes the names in a folder durable.
  func syncFolder(_ path: String, operation: String) throws(StorageError) {
    try step(.syncFolder, path)
    let descriptor = try open(path, O_RDONLY | O_DIRECTORY, operation: operation)
    let result = retrying { Int(fsync(descriptor.number)) }
    // Some file systems cannot sync a folder and say EINVAL; they have nothing better to offer.
    guard result >= 0 || result == -Int(EINVAL) else {
      throw StorageError(errno: Int32(-result), operation: operation, path: path)
    }
  }
}

extension FileInformation {
  init(_ status: Glibc.stat) {
    let kind: FileKind =
      switch status.st_mode & S_IFMT {
      case S_IFREG: .file
      case S_IFDIR: .folder
      case S_IFLNK: .symbolicLink
      default: .other
      }
    self.init(
      kind: kind, sizeBytes: Int64(status.st_size),
      modifiedNanoseconds: Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec),
      changedNanoseconds: Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec),
      device: UInt64(status.st_dev), inode: UInt64(status.st_ino), mode: UInt32(status.st_mode & 0o7777),
      ownerID: UInt32(status.st_uid))
  }
}
