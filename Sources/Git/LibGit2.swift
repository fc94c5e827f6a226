import CLibgit2
import Glibc

/// The library's global state: started once, when git is first needed.
enum LibGit2 {
  /// Starts libgit2 with fsync of everything it writes and full checking of what it reads. Costs 4 ms the first
  /// time, nothing later.
  static func start() throws(GitError) {
    guard startCode >= 0 else {
      throw GitError(.other, operation: "start libgit2", message: "libgit2 did not start", isRetryable: false)
    }
  }

  private static let startCode: Int32 = {
    let code = git_libgit2_init()
    guard code >= 0 else { return code }
    let options = [
      crdt_libgit2_enable_fsync(), crdt_libgit2_enable_strict_hash_verification(), DeadlineStream.register(),
    ]
    return options.min() ?? 0
  }()

  /// The version of the linked library, as "1.5.1".
  static var version: String {
    var major: Int32 = 0
    var minor: Int32 = 0
    var revision: Int32 = 0
    _ = git_libgit2_version(&major, &minor, &revision)
    return "\(major).\(minor).\(revision)"
  }

  /// Throws what the thread's last libgit2 call reported. To be used right after the call, on its thread.
  static func check(_ code: Int32, _ operation: @autoclosure () -> String) throws(GitError) {
    if code < 0 { throw error(code, operation()) }
  }

  /// Writes a loose object. libgit2 makes its folder and then moves the file there; a `git gc` that runs at the same time,
  /// as one whose parent was killed, may remove the folder in between, since it is empty. Then it is done again.
  static func writingLoose(_ write: () throws(GitError) -> Void) throws(GitError) {
    do throws(GitError) {
      try write()
    } catch {
      guard error.code == .storage || error.code == .notFound, error.message.contains(errorText(ENOENT)) else {
        throw error
      }
      try write()
    }
  }

  /// The last libgit2 error of this thread as ours.
  static func error(_ code: Int32, _ operation: String) -> GitError {
    var klass: Int32 = 0
    var message = "error \(code)"
    if let last = git_error_last() {
      klass = last.pointee.klass
      if let text = last.pointee.message { message = String(cString: text) }
    }
    git_error_clear()
    message = RemoteURL.withoutCredentials(oneLine(message))
    let kind = classify(code, klass, message)
    return GitError(kind.code, operation: operation, message: message, isRetryable: kind.isRetryable)
  }

  private static func classify(_ code: Int32, _ klass: Int32, _ message: String)
    -> (code: GitError.Code, isRetryable: Bool)
  {
    switch code {
    case GIT_EOWNER.rawValue: return (.notOwned, false)
    case GIT_ELOCKED.rawValue: return (.locked, true)
    case GIT_EMODIFIED.rawValue: return (.refChanged, true)
    case GIT_EAUTH.rawValue: return (.authentication, false)
    case GIT_ECERTIFICATE.rawValue: return (.untrusted, false)
    case GIT_EINVALIDSPEC.rawValue: return (.invalid, false)
    case GIT_EMISMATCH.rawValue: return (.corrupt, false)
    case GIT_EEOF.rawValue where klass == Int32(GIT_ERROR_NET.rawValue): return (.unreachable, true)
    default: break
    }
    let text = message.lowercased()
    if text.contains("no space left") || text.contains("input/output error") || text.contains("quota exceeded") {
      return (.storage, false)
    }
    if text.contains("permission denied") || text.contains("operation not permitted")
      || text.contains("read-only file system")
    {
      return (.permission, false)
    }
    if text.contains("unsupported extension name") || text.contains("unsupported repository version") {
      return (.unsupportedRepository, false)
    }
    let damage = [
      "corrupt", "object hash mismatch", "failed to parse loose object", "inflate", "zlib", "checksum",
      "bad packed object", "pack file", "invalid object header", "failed to decompress",
      "could not parse", "failed to parse", "empty file",
    ]
    let local: Set<UInt32> = [
      GIT_ERROR_ODB.rawValue, GIT_ERROR_ZLIB.rawValue, GIT_ERROR_OBJECT.rawValue,
      GIT_ERROR_INDEXER.rawValue, GIT_ERROR_TREE.rawValue, GIT_ERROR_REFERENCE.rawValue,
    ]
    if local.contains(UInt32(bitPattern: klass)), damage.contains(where: text.contains) {
      return (.corrupt, false)
    }
    if klass == Int32(GIT_ERROR_ZLIB.rawValue) { return (.corrupt, false) }
    if code == GIT_ENOTFOUND.rawValue { return (.notFound, false) }
    if klass == Int32(GIT_ERROR_HTTP.rawValue) { return classifyHTTP(text) }
    if klass == Int32(GIT_ERROR_SSL.rawValue) { return (.untrusted, false) }
    if klass == Int32(GIT_ERROR_NET.rawValue) { return (.unreachable, true) }
    if klass == Int32(GIT_ERROR_OS.rawValue) || klass == Int32(GIT_ERROR_FILESYSTEM.rawValue) {
      return (.storage, false)
    }
    return (.other, false)
  }

  private static func classifyHTTP(_ text: String) -> (code: GitError.Code, isRetryable: Bool) {
    if text.contains("authentication") { return (.authentication, false) }
    if text.contains("content-type") || text.contains("redirect") { return (.notARepository, false) }
    if let range = text.range(ofText: "unexpected http status code: ") {
      let status = Int(text[range.upperBound...].prefix { $0.isNumber }) ?? 0
      switch status {
      case 401, 407: return (.authentication, false)
      case 403: return (.permission, false)
      case 400..<429 where status != 408: return (.notARepository, false)
      default: return (.unreachable, true)
      }
    }
    return (.unreachable, true)
  }

  /// Control characters as spaces, so that nothing a server sends can write on a terminal.
  static func oneLine(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? " " : $0 })
    ).trimmed
  }
}

extension StringProtocol {
  /// Without white space at both ends.
  var trimmed: String {
    let isSpace: (Character) -> Bool = { $0.isWhitespace }
    return String(drop(while: isSpace).reversed().drop(while: isSpace).reversed())
  }

  /// The first occurrence of `text`, compared by bytes.
  func range(ofText text: String) -> Range<Index>? {
    let needle = Array(text.utf8)
    var start = utf8.startIndex
    while start < utf8.endIndex {
      if utf8[start...].starts(with: needle) {
        return start..<utf8.index(start, offsetBy: needle.count)
      }
      start = utf8.index(after: start)
    }
    return nil
  }
}
