import Durability
import Glibc
import Replication

/// Files that a person names: read whole, replaced durably; `-` is standard input.
package enum UserFiles {
  /// Throws `.noInput` when there is none, `.badData` beyond the limit.
  package static func read(_ name: String, limitBytes: Int) throws(ReplicationError) -> [UInt8] {
    if name == "-" { return try stream(STDIN_FILENO, "standard input", limitBytes: limitBytes) }
    guard !name.isEmpty else { throw ReplicationError(.usage, "the name of the file is empty") }
    let path = Machine.absolute(name)
    // What a shell makes of `<(command)`, and devices.
    if (try? RealFileSystem().information(path))?.kind == .other { return try device(path, limitBytes: limitBytes) }
    do throws(StorageError) {
      if let bytes = try RealFileSystem().read(path, limitBytes: limitBytes) { return bytes }
    } catch {
      switch error.code {
      case .notFound: break
      case .tooLarge: throw ReplicationError(.badData, "\(name) has more than \(limitBytes) bytes")
      case .permission, .notOwned: throw ReplicationError(.permission, "\(error)")
      case .isDirectory: throw ReplicationError(.noInput, "\(name) is a folder")
      default: throw ReplicationError(.storage, "\(error)")
      }
    }
    throw ReplicationError(.noInput, "\(name): there is no such file")
  }

  /// Replaces the file in one piece; the old bytes or the new ones, also after a power cut. Returns whether they differed.
  package static func write(_ bytes: [UInt8], to name: String) throws(ReplicationError) -> Bool {
    guard !name.isEmpty else { throw ReplicationError(.usage, "the name of the file is empty") }
    do throws(StorageError) {
      return try RealFileSystem().writeOut(Machine.absolute(name), bytes, mode: .keep(orElse: 0o600))
    } catch {
      let code: ReplicationError.Code =
        switch error.code {
        case .permission, .notOwned, .readOnly: .permission
        // Too large is the kernel's word for a limit on sizes (EFBIG).
        case .noSpace, .io, .tooLarge: .storage
        default: .cannotCreate
        }
      throw ReplicationError(code, "cannot write \(name): \(error)")
    }
  }

  private static func device(_ path: String, limitBytes: Int) throws(ReplicationError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw ReplicationError(
        errno == EACCES ? .permission : .noInput, "cannot read \(path): \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    return try stream(descriptor, path, limitBytes: limitBytes)
  }

  /// Everything up to the end.
  private static func stream(_ descriptor: Int32, _ name: String, limitBytes: Int) throws(ReplicationError) -> [UInt8] {
    var input: [UInt8] = []
    while true {
      var failure: Int32 = 0
      let piece = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
        var got: Int
        repeat { got = Glibc.read(descriptor, buffer.baseAddress, buffer.count) } while got < 0 && errno == EINTR
        if got < 0 { failure = errno }
        count = max(0, got)
      }
      guard failure == 0 else {
        throw ReplicationError(.storage, "cannot read \(name): \(String(cString: strerror(failure)))")
      }
      if piece.isEmpty { return input }
      input += piece
      guard input.count <= limitBytes else {
        throw ReplicationError(.badData, "\(name) has more than \(limitBytes) bytes")
      }
    }
  }
}
