import CRDT
import Memory

extension ProjectIdentity {
  /// A remote's URL without what differs from clone to clone: scheme, password and credentials, `.git`, the scheme's
  /// default port, fragment, the case of the host. `nil` for a path, which means something else on another host.
  ///
  /// What leads to another repository is kept: a port that is not the scheme's default (`h:3000/p`), a transport
  /// (`gcrypt::h/p`), the user in whose home folder the path is, but `git` (`ada@h/~/p`), that a path without a scheme is
  /// absolute (`h//p`), and a digest of what a query says besides credentials (`h/p?<16 hex digits>`).
  public static func normalized(remote url: String) -> String? {
    let text = url.prefix { $0 != "#" }
    if let transport = text.firstRange(of: "::"), transport.lowerBound > text.startIndex,
      text[..<transport.lowerBound].allSatisfy({ $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" })
    {
      return normalized(remote: String(text[transport.upperBound...])).map { text[..<transport.upperBound] + $0 }
    }
    let location = text.prefix { $0 != "?" }
    guard let name = RemoteLocation(location)?.name else { return nil }
    let query = text.dropFirst(location.count + 1).split { $0 == "&" || $0 == ";" }.filter { !isCredential($0) }
    guard !query.isEmpty else { return name }
    return name + "?" + EntryIdentity.hexDigest(of: Array(query.joined(separator: "&").utf8)).prefix(queryDigestLength)
  }

  /// Hex digits of what stands for a query.
  static let queryDigestLength = 16

  /// Whether a parameter of a query says or looks as if it were a credential: it is a matter of this clone.
  private static func isCredential(_ parameter: Substring) -> Bool {
    let name = percentDecoded(Array(parameter.prefix { $0 != "=" }.utf8))
    let last = String(decoding: name, as: UTF8.self).lowercased().split { "_-.".contains($0) }.last
    return isCredentialWord(name) || last == "key" || secretRule(in: ByteString(String(parameter))) != nil
  }
}

/// Where a remote is.
private struct RemoteLocation {
  /// `nil` where a URL has none, as in `user@host:path`.
  private var scheme: String?
  private var user: Substring?
  private var host: Substring
  private var port: Substring?
  private var path: Substring

  /// `nil` for a path of this host.
  init?(_ text: Substring) {
    let authority: Substring
    if let end = text.firstRange(of: "://") {
      let scheme = text[..<end.lowerBound].lowercased()
      guard scheme != "file", let slash = text[end.upperBound...].firstIndex(of: "/") else { return nil }
      self.scheme = scheme
      (authority, path) = (text[end.upperBound..<slash], text[slash...])
    } else {
      let text = Self.withoutPassword(text)
      // A colon within brackets separates no path.
      let start = text.firstIndex(of: "]").flatMap { text[..<$0].contains("[") ? $0 : nil } ?? text.startIndex
      guard let colon = text[start...].firstIndex(of: ":"), !text[..<colon].contains("/") else { return nil }
      authority = text[..<colon]
      path = text[text.index(after: colon)...]
    }
    host = authority
    // git's own `[user@host:port]:path`, and `user@[host:port]:path`.
    let isUnwrapped = scheme == nil && unwrap()
    takeUser()
    if scheme != nil || isUnwrapped || unwrap() { takePort() }
    guard !host.isEmpty else { return nil }
  }

  /// `user:password@host:path` is what git takes for a path on a host called like the user, and a password all the same.
  private static func withoutPassword(_ text: Substring) -> Substring {
    let head = text.prefix { $0 != "/" }
    guard let at = head.firstIndex(of: "@"), let colon = head.firstIndex(of: ":"), colon < at,
      head[at...].contains(":"), !head[..<colon].contains("[")
    else { return text }
    return text[..<colon] + text[at...]
  }

  /// Whether it stood in brackets and is no address, which keeps them.
  private mutating func unwrap() -> Bool {
    guard host.first == "[", host.last == "]", host.count(where: { $0 == ":" }) < 2 else { return false }
    host = host.dropFirst().dropLast()
    return true
  }

  private mutating func takeUser() {
    guard let at = host.lastIndex(of: "@") else { return }
    user = host[..<at].prefix { $0 != ":" }
    host = host[host.index(after: at)...]
  }

  private mutating func takePort() {
    guard let colon = host.lastIndex(of: ":") else { return }
    let digits = host[host.index(after: colon)...]
    guard digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return }
    host = host[..<colon]
    let number = digits.drop { $0 == "0" }
    port = number.isEmpty || String(number) == defaultPort ? nil : number
  }

  private var defaultPort: String? {
    switch scheme {
    case nil, "ssh", "git+ssh", "ssh+git": "22"
    case "http": "80"
    case "https": "443"
    case "git": "9418"
    default: nil
    }
  }

  private var isSecureShell: Bool { scheme.map { ["ssh", "git+ssh", "ssh+git"].contains($0) } ?? true }

  /// `nil` where there is no path.
  var name: String? {
    var segments = path.split(separator: "/").map(String.init)
    if segments.last == ".git" { segments.removeLast() }
    if let last = segments.last, last.hasSuffix(".git") { segments[segments.count - 1] = String(last.dropLast(4)) }
    guard !segments.isEmpty else { return nil }
    // Without a scheme a path is below the user's home folder, unless it says otherwise.
    let isRelative = scheme == nil && path.first != "/" && path.first != "~"
    var owner = ""
    if let user, user != "git", !user.isEmpty, isSecureShell, isRelative || segments[0] == "~" {
      owner = user + "@"
      if isRelative { segments.insert("~", at: 0) }
    }
    let root = scheme == nil && path.first == "/" && segments[0].first != "~" ? "//" : "/"
    return owner + host.lowercased() + (port.map { ":" + $0 } ?? "") + root + segments.joined(separator: "/")
  }
}
