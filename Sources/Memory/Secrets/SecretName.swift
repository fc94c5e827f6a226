/// What the name of a value says about it.
enum SecretName: Hashable {
  case password
  case token
  /// An access key, whose secret half has 40 characters.
  case accessKey

  /// Reads a name in any spelling: `DB_PASSWORD`, `apiKey`, `x-api-key`, `secret access key`.
  /// - Returns: `nil` for a name that calls nothing a secret, as `token_count` or `tokenizer`.
  init?(_ name: [UInt8]) {
    guard name.count <= 128 else { return nil }
    var words = SecretName.words(of: name)
    if words.count > 1,
      words.last == "value" || words.last.map({ $0.utf8.allSatisfy(ByteClass.digits.contains) }) == true
    {
      words.removeLast()
    }
    guard var last = words.last else { return nil }
    if last.utf8.count > 4, last.utf8.last == UInt8(ascii: "s"), !last.hasSuffix("ss") { last.removeLast() }
    if SecretWords.password.contains(where: { last.hasSuffix($0) }) || (last == "pass" && words.count > 1) {
      self = .password
    } else if SecretWords.token.contains(where: { last.hasSuffix($0) }) {
      self = last == "accesskey" ? .accessKey : .token
    } else if last == "key", words.count > 1, SecretWords.beforeKey.contains(words[words.count - 2]) {
      self = words[words.count - 2] == "access" ? .accessKey : .token
    } else {
      return nil
    }
  }

  /// The words in lower case, parted where a sign stands or a capital begins.
  private static func words(of name: [UInt8]) -> [String] {
    var words: [[UInt8]] = [[]]
    for (index, byte) in name.enumerated() {
      let isUpper = ByteClass.upper.contains(byte)
      if !(isUpper || ByteClass.lower.contains(byte) || ByteClass.digits.contains(byte) || byte >= 0x80) {
        words.append([])
      } else {
        if isUpper, index > 0, ByteClass.lower.contains(name[index - 1]) { words.append([]) }
        words[words.count - 1].append(isUpper ? byte | 0x20 : byte)
      }
    }
    return words.filter { !$0.isEmpty }.map { String(decoding: $0, as: UTF8.self) }
  }
}
