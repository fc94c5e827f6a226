import Glibc

/// A remote's address, taken apart as git does.
package enum RemoteURL: Hashable, Sendable {
  /// A repository on this machine, by absolute path (or `~…`, which git expands).
  case path(String)
  case ssh(user: String?, host: String, port: String?, path: String)
  case daemon(host: String, port: String, path: String)
  /// http or https, as given.
  case http(String)

  package init(_ text: String, operation: String) throws(GitError) {
    func invalid(_ why: String) -> GitError {
      GitError(.invalid, operation: operation, message: why, isRetryable: false)
    }
    guard !text.isEmpty, !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
      throw invalid("the remote is empty or has control characters")
    }
    guard let scheme = text.range(ofText: "://") else {
      self = try Self.scpForm(text, invalid) ?? .path(Self.absolute(text))
      return
    }
    let rest = String(text[scheme.upperBound...])
    switch text[..<scheme.lowerBound].lowercased() {
    case "file":
      let (host, path) = Self.split(rest)
      guard host.isEmpty || host == "localhost", !path.isEmpty else {
        throw invalid("a file:// URL names a path on this machine, as file:///srv/memory.git")
      }
      self = .path(Self.decoded(path))
    case "ssh", "git+ssh", "ssh+git":
      let (authority, path) = Self.split(rest)
      let (user, host, port) = Self.authority(authority)
      // ssh://host/~name/x means a path below that user's home.
      let wanted = Self.decoded(path.hasPrefix("/~") ? String(path.dropFirst()) : path)
      self = try Self.checkedSSH(user.map(Self.decoded), Self.decoded(host), port, wanted, invalid)
    case "git":
      let (authority, path) = Self.split(rest)
      let (_, host, port) = Self.authority(authority)
      guard !host.isEmpty, !path.isEmpty else { throw invalid("a git:// URL needs a host and a path") }
      self = .daemon(host: host, port: port ?? "9418", path: Self.decoded(path))
    case "http", "https":
      guard !Self.split(rest).host.isEmpty else { throw invalid("the URL names no host") }
      self = .http(text)
    case let other: throw invalid("\(other):// is no transport that can be used")
    }
  }

  /// `[user@]host:path` with the path not starting before the colon; `nil` for a plain path.
  private static func scpForm(_ text: String, _ invalid: (String) -> GitError) throws(GitError) -> RemoteURL? {
    // A bracket protects the colons of an IPv6 address or a host:port.
    var searchFrom = text.startIndex
    if let open = text.firstIndex(of: "["), let close = text[open...].firstIndex(of: "]"),
      open == text.startIndex || text[text.index(before: open)] == "@"
    {
      searchFrom = close
    }
    guard let colon = text[searchFrom...].firstIndex(of: ":") else { return nil }
    if let slash = text.firstIndex(of: "/"), slash < colon { return nil }
    let path = String(text[text.index(after: colon)...])
    var (user, host, port) = authority(String(text[..<colon]))
    // [host:port]:path is git's way to give a port in this form.
    if port == nil, text[..<colon].hasSuffix("]"), host.filter({ $0 == ":" }).count == 1,
      let inner = host.firstIndex(of: ":")
    {
      port = String(host[host.index(after: inner)...])
      host = String(host[..<inner])
    }
    return try checkedSSH(user, host, port, path.hasPrefix("/~") ? String(path.dropFirst()) : path, invalid)
  }

  private static func checkedSSH(
    _ user: String?, _ host: String, _ port: String?, _ path: String, _ invalid: (String) -> GitError
  ) throws(GitError) -> RemoteURL {
    guard !host.isEmpty, !path.isEmpty else { throw invalid("an ssh remote needs a host and a path") }
    // ssh would read these as options; git refuses them too.
    guard !host.hasPrefix("-"), user?.hasPrefix("-") != true, !path.hasPrefix("-") else {
      throw invalid("host, user or path begins with a dash")
    }
    if let port, UInt16(port) == nil { throw invalid("\(port) is no port") }
    return .ssh(user: user, host: host, port: port, path: path)
  }

  private static func split(_ rest: String) -> (host: String, path: String) {
    guard let slash = rest.firstIndex(of: "/") else { return (rest, "") }
    return (String(rest[..<slash]), String(rest[slash...]))
  }

  /// `[user[:password]@]host[:port]`, the host without IPv6 brackets.
  private static func authority(_ text: String) -> (user: String?, host: String, port: String?) {
    var rest = text
    var user: String?
    if let at = text.lastIndex(of: "@") {
      user = String(text[..<at].prefix { $0 != ":" })
      rest = String(text[text.index(after: at)...])
    }
    if rest.hasPrefix("["), let close = rest.firstIndex(of: "]") {
      let host = String(rest[rest.index(after: rest.startIndex)..<close])
      let after = rest[rest.index(after: close)...]
      // [user@::1] is accepted as well.
      if user == nil, let at = host.lastIndex(of: "@") {
        return (String(host[..<at]), String(host[host.index(after: at)...]), port(after))
      }
      return (user, host, port(after))
    }
    guard let colon = rest.firstIndex(of: ":") else { return (user, rest, nil) }
    return (user, String(rest[..<colon]), port(rest[colon...]))
  }

  private static func port(_ text: Substring) -> String? {
    text.hasPrefix(":") && text.count > 1 ? String(text.dropFirst()) : nil
  }

  private static func absolute(_ path: String) -> String {
    if path.hasPrefix("/") || path.hasPrefix("~") { return path }
    guard let here = getcwd(nil, 0) else { return path.hasPrefix("-") ? "./" + path : path }
    defer { free(here) }
    return String(cString: here) + "/" + path
  }

  static func decoded(_ text: String) -> String {
    let bytes = Array(text.utf8)
    var out: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index] == 0x25, index + 2 < bytes.count,
        let value = UInt8(String(decoding: bytes[index + 1...index + 2], as: UTF8.self), radix: 16)
      {
        out.append(value)
        index += 3
      } else {
        out.append(bytes[index])
        index += 1
      }
    }
    return String(decoding: out, as: UTF8.self)
  }
}
