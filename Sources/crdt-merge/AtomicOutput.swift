import Glibc

/// Replaces files whole: a reader sees the old bytes or the new, also after a power cut.
enum AtomicOutput {
  /// Writes what `produce` hands out to `path`, unless it is there already.
  ///
  /// A regular file, or nothing, is replaced: temporary file beside it, fsync, rename, fsync of the folder; mode and,
  /// where allowed, owner are kept, and a symbolic link stays and its target is replaced. Anything else (a pipe, a
  /// device) is written to. On failure the file is as it was.
  /// - Parameters:
  ///   - count: how many bytes `produce` will hand out.
  ///   - produce: may be called twice; hands the same bytes to its argument each time.
  /// - Returns: whether anything was written.
  static func replaceIfChanged(
    _ path: String, count: Int, produce: ((RawSpan) throws(SystemError) -> Void) throws(SystemError) -> Void
  ) throws(CommandFailure) -> Bool {
    do throws(SystemError) {
      var old = stat()
      let exists = stat(path, &old) == 0
      if !exists, errno != ENOENT { throw SystemError(errno) }
      if exists, old.st_mode & S_IFMT == S_IFDIR { throw SystemError(EISDIR) }
      if exists, old.st_mode & S_IFMT != S_IFREG {
        let stream = try FileDescriptor(path, O_WRONLY)
        try write(to: stream.number, produce)
        let failure = stream.close()
        if failure != 0 { throw SystemError(failure) }
        return true
      }
      if exists, Int(old.st_size) == count, holds(path, produce) { return false }
      try replace(try target(of: path, exists: exists), old: exists ? old : nil, produce)
      return true
    } catch {
      throw CommandFailure(writing: path, errno: error.number)
    }
  }

  /// The same for bytes that are at hand.
  static func replaceIfChanged(_ path: String, _ bytes: [UInt8]) throws(CommandFailure) -> Bool {
    try replaceIfChanged(path, count: bytes.count) { consume throws(SystemError) in try consume(bytes.span.bytes) }
  }

  static func write(
    to descriptor: Int32, _ produce: ((RawSpan) throws(SystemError) -> Void) throws(SystemError) -> Void
  ) throws(SystemError) {
    try produce { piece throws(SystemError) in
      let failure = piece.withUnsafeBytes { FileDescriptor.writeAll(descriptor, $0) }
      if failure != 0 { throw SystemError(failure) }
    }
  }

  /// Where the file itself is, links followed, also those that point to nothing yet.
  private static func target(of path: String, exists: Bool) throws(SystemError) -> String {
    if exists, let resolved = realpath(path, nil) {
      defer { free(resolved) }
      return String(cString: resolved)
    }
    var information = stat()
    // A link that leads nowhere: replacing it would lose it, and there is nothing to replace.
    if lstat(path, &information) == 0 { throw SystemError(ENOENT) }
    return path
  }

  /// Whether the file's bytes are the ones produced. A file that cannot be read is taken as different.
  private static func holds(
    _ path: String, _ produce: ((RawSpan) throws(SystemError) -> Void) throws(SystemError) -> Void
  ) -> Bool {
    guard let file = try? FileDescriptor(path, O_RDONLY) else { return false }
    let number = file.number
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    do throws(SystemError) {
      try produce { piece throws(SystemError) in
        var offset = 0
        while offset < piece.byteCount {
          let wanted = min(buffer.count, piece.byteCount - offset)
          let got = buffer.withUnsafeMutableBytes { Glibc.read(number, $0.baseAddress, wanted) }
          if got < 0, errno == EINTR { continue }
          guard got > 0 else { throw SystemError(EIO) }
          let isEqual = piece.extracting(offset..<offset + got).withUnsafeBytes { expected in
            buffer.withUnsafeBytes { memcmp($0.baseAddress!, expected.baseAddress!, got) == 0 }
          }
          guard isEqual else { throw SystemError(EIO) }
          offset += got
        }
      }
      return true
    } catch {
      return false
    }
  }

  private static func replace(
    _ path: String, old: stat?, _ produce: ((RawSpan) throws(SystemError) -> Void) throws(SystemError) -> Void
  ) throws(SystemError) {
    let folder = folder(of: path)
    let temporary = temporaryName(for: path, in: folder)
    let file = try FileDescriptor(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: old == nil ? 0o666 : 0o600)
    do throws(SystemError) {
      if let old {
        // Another owner's file stays theirs where the system lets us; the mode counts in any case.
        _ = fchown(file.number, old.st_uid, old.st_gid)
        if fchmod(file.number, old.st_mode & 0o7777) != 0 { throw SystemError(errno) }
      }
      try write(to: file.number, produce)
      if fsync(file.number) != 0 { throw SystemError(errno) }
      let failure = file.close()
      if failure != 0 { throw SystemError(failure) }
      if rename(temporary, path) != 0 { throw SystemError(errno) }
    } catch {
      unlink(temporary)
      throw error
    }
    let directory = try FileDescriptor(folder, O_RDONLY | O_DIRECTORY)
    if fsync(directory.number) != 0 { throw SystemError(errno) }
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: 0x2F) else { return "." }
    return slash == path.utf8.startIndex ? "/" : String(path[..<slash])
  }

  /// `.name.<random>.tmp`, shortened so that it never exceeds a file name's 255 bytes.
  private static func temporaryName(for path: String, in folder: String) -> String {
    let name = path.utf8.split(separator: 0x2F).last ?? []
    return folder + "/." + String(decoding: name.prefix(200), as: UTF8.self) + "."
      + String(UInt64.random(in: .min ... .max), radix: 16) + ".tmp"
  }
}
