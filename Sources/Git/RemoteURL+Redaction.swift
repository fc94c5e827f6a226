/// What people may see of an address: never a secret, though a part that is none may go with it.
extension RemoteURL {
  /// Any text with the secrets of every URL in it removed: the user information (a token can stand in the user's place
  /// too; only ssh keeps a user without password), the values of a query, and the password of `user:password@host:path`.
  ///
  /// Passwords that should have been percent-encoded are taken to reach up to the last `@` of the word.
  package static func withoutCredentials(_ text: String) -> String {
    var out = ""
    var rest = text[...]
    while let start = rest.firstIndex(where: { !$0.isWhitespace }) {
      out += rest[..<start]
      rest = rest[start...]
      let end = rest.firstIndex(where: \.isWhitespace) ?? rest.endIndex
      out += redacted(word: rest[..<end])
      rest = rest[end...]
    }
    return out + rest
  }

  /// A word may hold more than one URL (`'https://a','https://b'`).
  private static func redacted(word: Substring) -> String {
    guard let mark = word.range(ofText: "://") else { return withoutPassword(scpForm: word) }
    let schemeStart = word[..<mark.lowerBound].lastIndex { !($0.isLetter || $0.isNumber || "+-.".contains($0)) }
    let scheme = word[(schemeStart.map { word.index(after: $0) } ?? word.startIndex)..<mark.lowerBound].lowercased()
    let after = word[mark.upperBound...]
    let end = endOfURL(after, openedBy: schemeStart.map { word[$0] })
    let url = after[..<end]
    let shown =
      switch scheme {
      case "file": String(url)
      case _ where scheme.hasSuffix("ssh") || scheme.hasPrefix("ssh"): withoutPassword(ssh: url)
      default: withoutQueryValues(url[(url.lastIndex(of: "@").map { url.index(after: $0) } ?? url.startIndex)...])
      }
    return word[..<mark.upperBound] + shown + (end == word.endIndex ? "" : redacted(word: after[end...]))
  }

  /// A URL in quotes ends at the quote that the word or a punctuation mark follows; a quote elsewhere is part of it.
  private static func endOfURL(_ text: Substring, openedBy opening: Character?) -> String.Index {
    let pairs: [Character: Character] = ["'": "'", "\"": "\"", "`": "`", "<": ">", "(": ")"]
    guard let opening, let closing = pairs[opening] else { return text.endIndex }
    var from = text.startIndex
    while let found = text[from...].firstIndex(of: closing) {
      let next = text.index(after: found)
      if next == text.endIndex || ",.:;)]>'\"".contains(text[next]) { return found }
      from = next
    }
    return text.endIndex
  }

  private static func withoutPassword(ssh url: Substring) -> String {
    let authority = url.prefix { $0 != "/" }
    var at = authority.lastIndex(of: "@")
    if at == nil, let colon = authority.lastIndex(of: ":"), UInt16(authority[authority.index(after: colon)...]) == nil,
      !authority.hasSuffix("]")
    {
      // No port behind the colon: a password with a slash in it.
      at = url.lastIndex(of: "@")
    }
    guard let at else { return String(url) }
    return String(url[..<at].contains(":") ? url[url.index(after: at)...] : url)
  }

  private static func withoutPassword(scpForm word: Substring) -> String {
    guard let colon = word.firstIndex(of: ":"), let firstAt = word.firstIndex(of: "@"), colon < firstAt,
      !word[..<colon].contains("/"), let lastColon = word.lastIndex(of: ":"),
      let at = word[..<lastColon].lastIndex(of: "@"), colon < at
    else { return String(word) }
    return String(word[..<colon] + word[at...])
  }

  private static func withoutQueryValues(_ url: Substring) -> String {
    guard let start = url.firstIndex(where: { "?#".contains($0) }) else { return String(url) }
    var out = String(url[...start])
    for part in url[url.index(after: start)...].split(
      omittingEmptySubsequences: false, whereSeparator: { "&;?#".contains($0) })
    {
      if out.utf8.last != 0x3F, out.utf8.last != 0x23 { out += "&" }
      out += part.isEmpty ? "" : (part.firstIndex(of: "=").map { part[...$0] } ?? "") + "***"
    }
    return out
  }
}
