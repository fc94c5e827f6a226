/// Text for a POSIX shell.
package enum ShellText {
  /// One word, whatever is in it: in single quotes, with `'` taken out of them. By bytes: in a `String` a quote with a
  /// combining mark behind it is another character, and no quote.
  package static func quoted(_ text: String) -> String {
    var bytes: [UInt8] = [0x27]
    for byte in text.utf8 {
      if byte == 0x27 { bytes += Array(#"'\''"#.utf8) } else { bytes.append(byte) }
    }
    return String(decoding: bytes + [0x27], as: UTF8.self)
  }

  /// The first word of a shell line, as far as quotes go.
  package static func firstWord(_ line: String) -> String {
    var word = ""
    var quote: Unicode.Scalar?
    var isEscaped = false
    for scalar in line.unicodeScalars {
      if isEscaped {
        word.unicodeScalars.append(scalar)
        isEscaped = false
      } else if scalar == "\\", quote != "'" {
        isEscaped = true
      } else if let open = quote {
        if scalar == open { quote = nil } else { word.unicodeScalars.append(scalar) }
      } else if scalar == "'" || scalar == "\"" {
        quote = scalar
      } else if scalar == " " || scalar == "\t" {
        if !word.isEmpty { break }
      } else {
        word.unicodeScalars.append(scalar)
      }
    }
    return word
  }
}
