/// JSON as people and programs write it: text, not values, since every spelling has to survive.
///
/// All results are valid by RFC 8259 and valid UTF-8.
extension Gen where Value == String {
  /// A string literal with its quotes: raw characters, every kind of escape, and lone surrogates.
  public static func jsonString(count: ClosedRange<Int> = 0...8) -> Gen {
    let piece = Gen.frequency(
      (6, .element(of: ["a", "b", "0", " ", "-", "/", "'", "{", "}", "[", "]", ",", ":"])),
      (3, .element(of: ["\\\"", "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t"])),
      (
        2, .element(of: ["\\u0041", "\\u0000", "\\u001f", "\\u00e9", "\\u0065\\u0301", "\\uFFFF", "\\u2028"])
      ),
      (1, .element(of: ["\\ud83d\\ude00", "\\uD83D\\uDE00", "\\ud83D\\uDe00"])),
      (1, .element(of: ["\\ud800", "\\uDFFF", "\\ude00\\ud83d", "\\udbff\\u0061"])),
      (3, .element(of: OddText.pieces)))
    return piece.array(count: count).map { "\"" + $0.joined() + "\"" }
  }

  /// A number as written, of any size and precision.
  public static var jsonNumber: Gen {
    let digits = Gen<Int>.int(in: 0...9).array(count: 1...25).map { $0.map(String.init).joined() }
    let big = zip(Gen<Int>.int(in: 1...9), digits).map { "\($0.0)\($0.1)" }
    let signed = zip(Gen.element(of: ["", "-"]), Gen.oneOf(.element(of: ["0", "1", "7"]), big)).map {
      $0.0 + $0.1
    }
    let fraction = Gen.oneOf(.constant(""), digits.map { "." + $0 })
    let exponent = Gen.oneOf(
      .constant(""),
      zip(Gen.element(of: ["e", "E"]), Gen.element(of: ["", "+", "-"]), digits).map { $0.0 + $0.1 + $0.2 })
    return .frequency(
      (3, .element(of: ["0", "1", "-1", "1.0", "1e2", "-0", "0.10", "1E+2", "9007199254740993"])),
      (1, zip(signed, fraction, exponent).map { $0.0 + $0.1 + $0.2 }))
  }

  /// Any value, with white space between its tokens, at most `depth` deep.
  public static func jsonValue(depth: Int = 3) -> Gen {
    let leaf = Gen.oneOf(.element(of: ["null", "true", "false"]), jsonNumber, jsonString())
    guard depth > 0 else { return leaf }
    let inner = jsonValue(depth: depth - 1)
    let array = zip(inner.padded, jsonSpace).array(count: 0...4).map { elements in
      "[" + elements.map { $0.0 + $0.1 }.joined(separator: ",") + "]"
    }
    let members = jsonMember(value: inner).array(count: 0...4).map { "{" + $0.joined(separator: ",") + "}" }
    return .frequency((4, leaf), (1, array), (1, members))
  }

  /// An object of up to so many members, which may repeat a name.
  public static func jsonObject(members: ClosedRange<Int> = 0...5, depth: Int = 2) -> Gen {
    jsonMember(value: jsonValue(depth: depth)).array(count: members).map { members in
      "{" + members.joined(separator: ",") + "}"
    }
  }

  /// A member of an object: its name, a colon and a value, with white space around each.
  public static func jsonMember(value: Gen) -> Gen {
    zip(jsonString(count: 0...3).padded, value.padded).map { $0.0 + ":" + $0.1 }
  }

  /// White space as JSON knows it; mostly none.
  public static var jsonSpace: Gen {
    .frequency((6, .constant("")), (1, .element(of: [" ", "\n", "\t", "\r\n", "  \n\t "])))
  }

  /// Such text with white space around it.
  public var padded: Gen {
    zip(Gen.jsonSpace, self, Gen.jsonSpace).map { $0.0 + $0.1 + $0.2 }
  }
}
