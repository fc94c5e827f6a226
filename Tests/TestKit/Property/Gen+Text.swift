extension Gen where Value == [UInt8] {
  /// Any bytes, often no valid UTF-8.
  public static func bytes(count: ClosedRange<Int> = 0...16) -> Gen {
    Gen<UInt8>.int().array(count: count)
  }
}

/// Text on which programs that take text for simple come to grief.
public enum OddText {
  /// Spellings that Unicode, and so Swift's `==` on strings, takes for equal and that differ in their bytes.
  public static let canonicalTwins: [(String, String)] = [
    ("\u{E9}", "e\u{301}"),  // é
    ("\u{C5}", "A\u{30A}"),  // Å
    ("\u{C5}", "\u{212B}"),  // Å and the Ångström sign
    ("\u{AC00}", "\u{1100}\u{1161}"),  // a Hangul syllable
    ("\u{1E69}", "s\u{307}\u{323}"),  // ṩ with its marks in the other order
    ("\u{3B1}\u{345}\u{301}", "\u{1FB4}"),  // ᾴ
  ]

  /// Characters of one scalar or more, one for each way to go wrong.
  public static let pieces: [String] =
    canonicalTwins.flatMap { [$0.0, $0.1] } + [
      "😀", "👩‍👩‍👧‍👦", "🇩🇪", "👍🏽",  // beyond the BMP, joined, in pairs, with a modifier
      "\u{202E}", "\u{200F}", "\u{200B}", "\u{200D}",  // direction marks, nothing visible
      "\u{2028}", "\u{2029}", "\u{85}", "\u{A0}",  // line ends and spaces outside ASCII
      "\u{FEFF}", "\u{FFFD}", "\u{FFFF}", "\u{10FFFF}", "\u{E000}",  // byte order mark, ends of ranges
      "ß", "İ", "ı", "ſ", "\u{FB01}",  // case and compatibility folding change their length
      "\u{7F}", "\u{80}", "\u{7FF}", "\u{800}", "\u{10000}",  // where UTF-8 gets longer
    ]
}

extension Gen where Value == String {
  /// Text of plain and odd characters, quotes, backslashes and control characters; shrinks towards `a`.
  public static func text(count: ClosedRange<Int> = 0...12) -> Gen {
    let piece = Gen.frequency(
      (8, .element(of: ["a", "b", "c", "A", "Z", "0", "9", "_", "-", ".", " "])),
      (2, .element(of: ["\"", "\\", "/", ",", ":", "{", "}", "[", "]", "'", "<", "`", "$", "%", "\\u"])),
      (2, .element(of: (0...0x1F).map { String(Unicode.Scalar($0)) })),
      (5, .element(of: OddText.pieces)),
      (1, scalar.map { String($0) }))
    return piece.array(count: count).map { $0.joined() }
  }

  /// Short ASCII identifiers from few letters, so that equal ones are frequent.
  public static func identifier(count: ClosedRange<Int> = 1...3) -> Gen {
    .element(of: ["a", "b", "c", "-", "_", "7"]).array(count: count).map { $0.joined() }
  }

  private static var scalar: Gen<Unicode.Scalar> {
    Gen<UInt32>.int(in: 0...0x10FFFF).map { number in Unicode.Scalar(number) ?? "\u{FFFD}" }
  }
}
