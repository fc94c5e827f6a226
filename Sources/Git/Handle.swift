import CLibgit2

/// Owns one libgit2 object and frees it, once.
struct Handle: ~Copyable {
  let pointer: OpaquePointer
  private let free: (OpaquePointer?) -> Void

  /// Runs `make`, which fills in the pointer, and takes over what it made. Throws what libgit2 reports.
  init(
    _ operation: @autoclosure () -> String, free: @escaping (OpaquePointer?) -> Void,
    _ make: (inout OpaquePointer?) -> Int32
  ) throws(GitError) {
    var made: OpaquePointer?
    let code = make(&made)
    guard code >= 0 else { throw LibGit2.error(code, operation()) }
    guard let made else {
      throw GitError(.other, operation: operation(), message: "libgit2 returned nothing", isRetryable: false)
    }
    pointer = made
    self.free = free
  }

  /// Takes over an object made elsewhere.
  init(adopting pointer: OpaquePointer, free: @escaping (OpaquePointer?) -> Void) {
    self.pointer = pointer
    self.free = free
  }

  deinit { free(pointer) }
}

extension ObjectID {
  init(_ oid: git_oid) {
    let bytes = withUnsafeBytes(of: oid) { Array($0.prefix(20)) }
    self = ObjectID(bytes: bytes)!
  }

  /// As libgit2 wants it.
  var oid: git_oid {
    var oid = git_oid()
    withUnsafeMutableBytes(of: &oid) { $0.copyBytes(from: bytes) }
    return oid
  }
}

/// Runs `body` with a libgit2 string array.
func withStringArray<Result>(_ strings: [String], _ body: (inout git_strarray) -> Result) -> Result {
  var copies: [UnsafeMutablePointer<CChar>?] = strings.map { text in
    let bytes = Array(text.utf8CString)
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
    copy.initialize(from: bytes, count: bytes.count)
    return copy
  }
  defer { for copy in copies { copy?.deallocate() } }
  return copies.withUnsafeMutableBufferPointer { buffer in
    var array = git_strarray(strings: buffer.baseAddress, count: buffer.count)
    return body(&array)
  }
}

/// Runs `body` with a libgit2 buffer and returns what it wrote.
func withGitBuffer(_ body: (inout git_buf) -> Int32) -> (code: Int32, text: String) {
  var buffer = git_buf()
  defer { git_buf_dispose(&buffer) }
  let code = body(&buffer)
  guard code >= 0, let start = buffer.ptr else { return (code, "") }
  let bytes = UnsafeRawBufferPointer(start: start, count: buffer.size)
  return (code, String(decoding: bytes, as: UTF8.self))
}
