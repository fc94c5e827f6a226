import CLibgit2
import CZlib
import Glibc

/// Reads loose objects in libgit2's place, because libgit2 1.5 reads an empty or cut one (what a power cut leaves) in
/// an endless loop (measured; 1.5.1). Here such a file is an error.
///
/// It is an object-database backend that is asked before libgit2's own ones and knows only the loose files.
final class LooseObjectGuard {
  private let folder: String

  private init(_ folder: String) { self.folder = folder }

  /// Puts a guard in front of a repository's object database, which owns it from then on.
  static func install(_ repository: borrowing Handle, _ operation: String) throws(GitError) {
    let pointer = repository.pointer
    let odb = try Handle(operation, free: git_odb_free) { git_repository_odb(&$0, pointer) }
    let git = git_repository_commondir(pointer).map { String(cString: $0) } ?? ""
    let backend = UnsafeMutablePointer<crdt_odb_backend>.allocate(capacity: 1)
    backend.initialize(to: crdt_odb_backend())
    backend.pointee.owner = Unmanaged.passRetained(LooseObjectGuard(git + "objects/")).toOpaque()
    backend.pointee.parent.version = UInt32(GIT_ODB_BACKEND_VERSION)
    backend.pointee.parent.read = { data, count, type, backend, id in
      LooseObjectGuard.of(backend).read(data, count, type, backend, id)
    }
    backend.pointee.parent.read_header = { count, type, backend, id in
      LooseObjectGuard.of(backend).readHeader(count, type, id)
    }
    backend.pointee.parent.free = { LooseObjectGuard.free($0) }
    let parent = UnsafeMutableRawPointer(backend).assumingMemoryBound(to: git_odb_backend.self)
    // libgit2's own backends have the priorities 1 and 2.
    let code = git_odb_add_backend(odb.pointer, parent, 3)
    if code < 0 { free(parent) }
    try LibGit2.check(code, operation)
  }

  private static func of(_ backend: UnsafeMutablePointer<git_odb_backend>?) -> LooseObjectGuard {
    let ours = UnsafeMutableRawPointer(backend!).assumingMemoryBound(to: crdt_odb_backend.self)
    return Unmanaged<LooseObjectGuard>.fromOpaque(ours.pointee.owner).takeUnretainedValue()
  }

  private static func free(_ backend: UnsafeMutablePointer<git_odb_backend>?) {
    guard let backend else { return }
    let ours = UnsafeMutableRawPointer(backend).assumingMemoryBound(to: crdt_odb_backend.self)
    Unmanaged<LooseObjectGuard>.fromOpaque(ours.pointee.owner).release()
    ours.deinitialize(count: 1)
    ours.deallocate()
  }

  // MARK: Reading

  private struct Damage: Error {
    var what: String
  }

  private func read(
    _ data: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ count: UnsafeMutablePointer<Int>?,
    _ type: UnsafeMutablePointer<git_object_t>?, _ backend: UnsafeMutablePointer<git_odb_backend>?,
    _ id: UnsafePointer<git_oid>?
  ) -> Int32 {
    answering(id) { (file) throws(Damage) in
      let object = try Self.inflate(file)
      guard let buffer = git_odb_backend_data_alloc(backend, max(1, object.body.count)) else {
        throw Damage(what: "out of memory")
      }
      object.body.withUnsafeBytes {
        if let start = $0.baseAddress { buffer.copyMemory(from: start, byteCount: $0.count) }
      }
      data?.pointee = buffer
      count?.pointee = object.body.count
      type?.pointee = object.type
    }
  }

  private func readHeader(
    _ count: UnsafeMutablePointer<Int>?, _ type: UnsafeMutablePointer<git_object_t>?,
    _ id: UnsafePointer<git_oid>?
  ) -> Int32 {
    answering(id) { (file) throws(Damage) in
      let object = try Self.inflate(file)
      count?.pointee = object.body.count
      type?.pointee = object.type
    }
  }

  /// "Not found" lets libgit2 ask its packs; anything else ends the search.
  private func answering(_ id: UnsafePointer<git_oid>?, _ body: ([UInt8]) throws(Damage) -> Void) -> Int32 {
    guard let id else { return GIT_ENOTFOUND.rawValue }
    let hex = ObjectID(id.pointee).description
    let name = hex.prefix(2) + "/" + hex.dropFirst(2)
    let descriptor = open(folder + name, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return errno == ENOENT ? GIT_ENOTFOUND.rawValue : GIT_PASSTHROUGH.rawValue }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return GIT_PASSTHROUGH.rawValue }
    do throws(Damage) {
      try body(try Self.readAll(descriptor, Int(status.st_size)))
      return 0
    } catch {
      git_error_set_str(Int32(GIT_ERROR_ODB.rawValue), "corrupt loose object \(hex): \(error.what)")
      return GIT_ERROR.rawValue
    }
  }

  private static func readAll(_ descriptor: Int32, _ size: Int) throws(Damage) -> [UInt8] {
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      count = 0
      while count < size {
        let got = Glibc.read(descriptor, buffer.baseAddress! + count, size - count)
        if got < 0 && errno == EINTR { continue }
        if got < 0 { failure = errno }
        if got <= 0 { return }
        count += got
      }
    }
    guard failure == 0 else { throw Damage(what: errorText(failure)) }
    return bytes
  }

  /// The object in a loose file: zlib data of "type size\0body".
  private static func inflate(_ file: [UInt8]) throws(Damage) -> (type: git_object_t, body: ArraySlice<UInt8>) {
    guard !file.isEmpty else { throw Damage(what: "empty file") }
    var stream = z_stream()
    guard inflateInit_(&stream, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw Damage(what: "out of memory")
    }
    defer { inflateEnd(&stream) }
    var input = file
    var output: [UInt8] = []
    var result = Z_OK
    // Grown by what comes out, never by what the file claims.
    var chunkBytes = max(4096, file.count * 4)
    input.withUnsafeMutableBufferPointer { source in
      stream.next_in = source.baseAddress
      stream.avail_in = UInt32(source.count)
      repeat {
        let chunk = [UInt8](unsafeUninitializedCapacity: chunkBytes) { buffer, count in
          stream.next_out = buffer.baseAddress
          stream.avail_out = UInt32(buffer.count)
          result = CZlib.inflate(&stream, Z_NO_FLUSH)
          count = buffer.count - Int(stream.avail_out)
        }
        output += chunk
        if chunk.isEmpty && result == Z_OK { result = Z_BUF_ERROR }
        chunkBytes = min(chunkBytes * 2, 1 << 24)
      } while result == Z_OK
    }
    guard result == Z_STREAM_END else {
      throw Damage(what: result == Z_BUF_ERROR ? "the file is cut off" : "not zlib data")
    }
    guard let end = output.prefix(64).firstIndex(of: 0) else { throw Damage(what: "no header") }
    let header = String(decoding: output[..<end], as: UTF8.self).split(separator: " ")
    guard header.count == 2, Int(header[1]) == output.count - end - 1 else { throw Damage(what: "bad size") }
    let types = [
      "blob": GIT_OBJECT_BLOB, "tree": GIT_OBJECT_TREE, "commit": GIT_OBJECT_COMMIT, "tag": GIT_OBJECT_TAG,
    ]
    guard let type = types[String(header[0])] else { throw Damage(what: "unknown type") }
    return (type, output[(end + 1)...])
  }
}
