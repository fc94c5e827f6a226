import Glibc

extension RealFileSystem {
  public func replace(
    _ path: String, with bytes: [UInt8], mode: ReplacementMode, ifStill expected: FileInformation?
  ) throws(StorageError) {
    try replace(path, mode: mode, ifStill: expected) { consume throws(StorageError) in
      try consume(bytes.span.bytes)
    }
  }

  /// The same for bytes that are handed out in pieces.
  func replace(_ path: String, mode: ReplacementMode, ifStill expected: FileInformation?, _ pieces: Pieces)
    throws(StorageError)
  {
    let target = try target(of: path)
    let there = try information(target, followingLinks: false)
    if there?.kind == .folder { throw StorageError(errno: EISDIR, operation: "replace", path: path) }
    guard there?.kind != .other else {
      throw StorageError(.other, operation: "replace", path: path, detail: "it is a device or a pipe, not a file")
    }
    try check(there, expected, path)
    let bits: UInt32
    switch mode {
    case .exact(let value): bits = value
    case .keep(let value): bits = there?.mode ?? value
    }
    let temporary = try writeTemporary(beside: target, mode: bits, path: path, pieces)
    do throws(StorageError) {
      // Checked again as late as can be: what is left is the time between two system calls.
      if expected != nil { try check(try information(target, followingLinks: false), expected, path) }
      try step(.rename, target)
      guard Glibc.rename(temporary, target) == 0 else {
        throw StorageError(errno: errno, operation: "replace", path: path)
      }
    } catch {
      discard(temporary)
      throw error
    }
    try syncFolder(folder(of: target), operation: "replace")
  }

  /// Writes a result where a user wants it: a regular file, or nothing, is replaced as ``replaceIfChanged(_:with:mode:)``
  /// does; a device or a pipe is written to.
  /// - Returns: whether anything was written.
  public func writeOut(_ path: String, _ bytes: [UInt8], mode: ReplacementMode) throws(StorageError) -> Bool {
    guard let there = try information(path, followingLinks: true), there.kind == .other else {
      return try replaceIfChanged(path, with: bytes, mode: mode)
    }
    let stream = try open(path, O_WRONLY, mode: 0, operation: "write")
    try writeAll(stream.number, bytes.span.bytes, path)
    let failure = stream.close()
    guard failure == 0 else { throw StorageError(errno: failure, operation: "write", path: path) }
    return true
  }

  public func overwrite(_ path: String, with bytes: [UInt8]) throws(StorageError) {
    let stream = try open(path, O_WRONLY | O_NOFOLLOW, mode: 0, operation: "write")
    try writeAll(stream.number, bytes.span.bytes, path)
    let failure = stream.close()
    guard failure == 0 else { throw StorageError(errno: failure, operation: "write", path: path) }
  }

  private func check(_ there: FileInformation?, _ expected: FileInformation?, _ path: String)
    throws(StorageError)
  {
    guard let expected, there != expected else { return }
    throw StorageError(.changed, operation: "replace", path: path, detail: "it was changed meanwhile")
  }

  /// Follows symbolic links at the end of the path, so that the link stays and its target is replaced.
  public func target(of path: String) throws(StorageError) -> String {
    var current = path
    for _ in 0..<40 {
      guard let there = try information(current, followingLinks: false), there.kind == .symbolicLink else {
        return current
      }
      let link = try readLink(current)
      current = link.utf8.first == 0x2F ? link : folder(of: current) + "/" + link
    }
    throw StorageError(errno: ELOOP, operation: "replace", path: path)
  }

  private func readLink(_ path: String) throws(StorageError) -> String {
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: Int(PATH_MAX)) { buffer, count in
      let got = buffer.withMemoryRebound(to: CChar.self) { readlink(path, $0.baseAddress!, $0.count) }
      count = max(0, got)
      if got < 0 { failure = errno }
    }
    guard failure == 0 else { throw StorageError(errno: failure, operation: "replace", path: path) }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Writes and syncs a temporary file in the same folder; removes it again on any failure.
  private func writeTemporary(beside target: String, mode: UInt32, path: String, _ pieces: Pieces)
    throws(StorageError) -> String
  {
    try step(.createTemporary, target)
    var random = SystemRandomNumberGenerator()
    let name = temporaryName(for: target, random: random.next())
    let file = try open(
      name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600, operation: "replace")
    do throws(StorageError) {
      try step(.write, target)
      let number = file.number
      try pieces { piece throws(StorageError) in try writeAll(number, piece, path) }
      // The umask does not apply to an existing file, so the mode is exact.
      guard fchmod(file.number, mode) == 0 else {
        throw StorageError(errno: errno, operation: "replace", path: path)
      }
      try step(.syncFile, target)
      let synced = retrying { Int(fsync(file.number)) }
      guard synced >= 0 else {
        throw StorageError(errno: Int32(-synced), operation: "replace", path: path)
      }
    } catch {
      discard(name)
      throw error
    }
    let failure = file.close()
    guard failure == 0 else {
      discard(name)
      throw StorageError(errno: failure, operation: "replace", path: path)
    }
    return name
  }

  private func writeAll(_ number: Int32, _ piece: RawSpan, _ path: String) throws(StorageError) {
    let failure: Int32 = piece.withUnsafeBytes { buffer in
      var written = 0
      while written < buffer.count {
        let put = retrying { Glibc.write(number, buffer.baseAddress! + written, buffer.count - written) }
        if put < 0 { return Int32(-put) }
        written += put
      }
      return 0
    }
    guard failure == 0 else { throw StorageError(errno: failure, operation: "replace", path: path) }
  }

  private func discard(_ temporary: String) {
    // A crash in a test must leave the temporary file as a real crash would.
    guard (try? step(.discardTemporary, temporary)) != nil else { return }
    _ = unlink(temporary)
  }

  /// `.name.<16 hex digits>.tmp`, shortened so that it never exceeds a file name's 255 bytes.
  private func temporaryName(for target: String, random: UInt64) -> String {
    let name = target.utf8.split(separator: 0x2F, omittingEmptySubsequences: true).last ?? []
    let suffix = String(random, radix: 16)
    let kept = String(decoding: name.prefix(200), as: UTF8.self)
    return folder(of: target) + "/." + kept + "." + suffix + ".tmp"
  }
}

/// Whether a file of this name (without its folder) is a temporary one of an atomic replacement: left over where no
/// replacement is at work.
public func isTemporaryName(_ name: String) -> Bool {
  let parts = name.utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
  // A random number below 2^48 has fewer digits: so rare that it may stay rather than that a person's file goes.
  guard name.utf8.first == 0x2E, parts.count >= 4, parts.last?.elementsEqual("tmp".utf8) == true else { return false }
  let digits = parts[parts.count - 2]
  return (13...16).contains(digits.count)
    && digits.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
}
