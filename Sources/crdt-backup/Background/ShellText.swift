/// Text for a POSIX shell.
enum ShellText {
  /// One word, whatever is in it: in single quotes, with `'` taken out of them. By bytes: in a `String` a quote with a
  /// combining mark behind it is another character, and no quote.
  static func quoted(_ text: String) -> String {
    var bytes: [UInt8] = [0x27]
    for byte in text.utf8 {
      if byte == 0x27 { bytes += Array(#"'\''"#.utf8) } else { bytes.append(byte) }
    }
    return String(decoding: bytes + [0x27], as: UTF8.self)
  }
}
