/// Text that no terminal takes for anything but text.
///
/// Ids, hosts, paths and messages come from peers: an escape sequence in one could repaint the screen, a line break
/// could fake a line of ours, and a bidirectional override could show another order than is there.
package enum TerminalText {
  /// The text with every control character as JSON writes it (`\u001b`). Applying it again changes nothing.
  package static func shown(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var out = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if isControl(scalar) {
        let digits = String(scalar.value, radix: 16)
        out.append(contentsOf: "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".unicodeScalars)
      } else {
        out.append(scalar)
      }
    }
    return String(out)
  }

  /// C0 and DEL, C1, the line and paragraph separators, and what changes the direction of the text around it.
  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0...0x1F, 0x7F...0x9F, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}
