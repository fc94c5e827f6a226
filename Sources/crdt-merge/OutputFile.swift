import Durability
import Glibc

/// Where a result goes: a file that is replaced whole, or a stream.
enum OutputFile {
  /// Writes what `pieces` hands out to `path`, unless it is there already.
  ///
  /// A regular file, or nothing, is replaced atomically and durably, mode and links kept; a pipe or a device is written to. On
  /// failure a regular file is as it was.
  /// - Returns: whether anything was written.
  static func replaceIfChanged(_ path: String, byteCount: Int, _ pieces: RealFileSystem.Pieces)
    throws(CommandFailure) -> Bool
  {
    do throws(StorageError) {
      let files = RealFileSystem()
      if let there = try files.information(path), there.kind == .other {
        let stream: FileDescriptor
        do throws(SystemError) { stream = try FileDescriptor(path, O_WRONLY) } catch {
          throw StorageError(errno: error.number, operation: "open", path: path)
        }
        try write(to: stream.number, name: path, pieces)
        return true
      }
      // 0666 less the umask, as any program's output.
      let mask = umask(0)
      umask(mask)
      return try files.replaceIfChanged(path, byteCount: byteCount, mode: .keep(orElse: 0o666 & ~UInt32(mask)), pieces)
    } catch {
      throw CommandFailure(writing: path, errno: error.errno == 0 ? EIO : error.errno)
    }
  }

  /// The same for bytes that are at hand.
  static func replaceIfChanged(_ path: String, _ bytes: [UInt8]) throws(CommandFailure) -> Bool {
    try replaceIfChanged(path, byteCount: bytes.count) { consume throws(StorageError) in
      try consume(bytes.span.bytes)
    }
  }

  /// Writes the pieces to an open stream.
  static func write(to descriptor: Int32, name: String, _ pieces: RealFileSystem.Pieces) throws(StorageError) {
    try pieces { piece throws(StorageError) in
      let failure = piece.withUnsafeBytes { FileDescriptor.writeAll(descriptor, $0) }
      if failure != 0 { throw StorageError(errno: failure, operation: "write", path: name) }
    }
  }
}
