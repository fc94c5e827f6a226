/// What a server, ssh or a git on the other side said, made into one of our codes.
enum RemoteFailure {
  private static let patterns: [(code: GitError.Code, isRetryable: Bool, texts: [String])] = [
    (
      .untrusted, false,
      ["host key verification failed", "remote host identification has changed", "no matching host key type"]
    ),
    (
      .authentication, false,
      [
        "permission denied (", "too many authentication failures", "authentication failed",
        "no supported authentication", "could not read username", "could not read password",
        "no more authentication methods",
      ]
    ),
    (.notOwned, false, ["dubious ownership"]),
    (
      .notARepository, false,
      [
        "does not appear to be a git repository", "not a git repository", "repository not found",
        "repository not exported", "repository does not exist", "could not be found", "command not found",
        "is not a git command", "no such repository", "invalid gitfile format", "too large to be a .git file",
      ]
    ),
    (
      .unreachable, true,
      [
        "could not resolve hostname", "name or service not known", "temporary failure in name resolution",
        "connection refused", "connection timed out", "operation timed out", "no route to host",
        "network is unreachable", "connection closed", "connection reset", "kex_exchange_identification",
        "timeout, server", "lost connection",
      ]
    ),
    (
      .permission, false,
      [
        "permission denied", "insufficient permission", "access denied", "service not enabled",
        "read-only file system", "not allowed", "write access", "unable to create temporary",
      ]
    ),
    (.other, true, ["no space left on device", "out of memory", "disk quota exceeded", "unable to fork"]),
  ]

  /// The first pattern that one of `lines` matches, with that line as the message; `nil` when none does.
  static func classify(_ lines: [String], operation: String) -> GitError? {
    for pattern in patterns {
      for line in lines {
        let lowered = line.lowercased()
        if pattern.texts.contains(where: lowered.contains) {
          return GitError(
            pattern.code, operation: operation, message: line, isRetryable: pattern.isRetryable)
        }
      }
    }
    return nil
  }

  /// The last line worth showing.
  static func lastWord(_ lines: [String]) -> String? {
    lines.last { !$0.isEmpty && !$0.lowercased().hasPrefix("warning:") }
  }
}

/// The last lines of a stream, bounded, safe to print and without credentials.
struct RecentLines {
  private var pending: [UInt8] = []
  private var finished: [String] = []
  private static let maximumLines = 40
  private static let maximumLineBytes = 1_000

  mutating func append(_ bytes: some Sequence<UInt8>) {
    for byte in bytes {
      if byte == 0x0A || byte == 0x0D {
        flush()
      } else if pending.count < Self.maximumLineBytes {
        pending.append(byte)
      }
    }
  }

  private mutating func flush() {
    let line = LibGit2.oneLine(RemoteURL.withoutCredentials(String(decoding: pending, as: UTF8.self)))
    pending.removeAll(keepingCapacity: true)
    if line.isEmpty { return }
    finished.append(line)
    if finished.count > Self.maximumLines { finished.removeFirst() }
  }

  /// All lines, the unfinished one too.
  var lines: [String] {
    var copy = self
    copy.flush()
    return copy.finished
  }
}
