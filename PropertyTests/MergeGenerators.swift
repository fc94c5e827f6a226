import TestKit

/// An entry of a host file as it was generated: its bytes in two spellings, and what they mean, known without parsing.
struct GeneratedEntry: Sendable, CustomStringConvertible {
  /// The decoded unique_id.
  var key: [UInt8]
  /// Whole seconds, and eighteen digits of the fraction.
  var second: Int
  var fraction: String
  var host: [UInt8]
  var version: UInt64
  /// Without white space outside strings.
  var compact: String
  /// With some.
  var spaced: String

  var description: String { spaced }
}

/// A text in tokens, so that it can be written with and without white space between them.
typealias Tokens = [String]

enum MergeGenerators {
  /// Spellings of unique_ids: few, so that they meet; twins under normalization; one text escaped in several ways.
  static let keys: [(literal: String, bytes: [UInt8])] = [
    (#""a_x_1""#, Array("a_x_1".utf8)), (#""a\u005fx\u005F1""#, Array("a_x_1".utf8)),
    (#""\u0061_x_1""#, Array("a_x_1".utf8)), (#""a_x""#, Array("a_x".utf8)),
    ("\"caf\u{E9}\"", Array("caf\u{E9}".utf8)), ("\"cafe\u{301}\"", Array("cafe\u{301}".utf8)),
    (#""caf\u00e9""#, Array("caf\u{E9}".utf8)), (#""\ud83d\ude00""#, Array("😀".utf8)), (#""😀""#, Array("😀".utf8)),
    (#""\ud800""#, [0xED, 0xA0, 0x80]), (#""a\/b""#, Array("a/b".utf8)), (#""a/b""#, Array("a/b".utf8)),
    (
      #""long-key-that-fills-more-than-one-word-of-eight-bytes-1""#,
      Array("long-key-that-fills-more-than-one-word-of-eight-bytes-1".utf8)
    ),
    (
      #""long-key-that-fills-more-than-one-word-of-eight-bytes-2""#,
      Array("long-key-that-fills-more-than-one-word-of-eight-bytes-2".utf8)
    ),
  ]

  static let hosts: [(literal: String, bytes: [UInt8])] = [
    (#""a""#, Array("a".utf8)), (#""b""#, Array("b".utf8)), (#""\u0062""#, Array("b".utf8)),
    (#""ab""#, Array("ab".utf8)), ("\"\u{E9}\"", Array("\u{E9}".utf8)), ("\"e\u{301}\"", Array("e\u{301}".utf8)),
  ]

  private static let fractions = Gen<String>.element(
    of: ["", ".5", ".500", ".500000000", ".500000001", ".5000000000001", ".0", ".999999999999999999"])

  /// Few moments in many spellings, so that stamps are equal often.
  static let timestamps: Gen<(text: String, second: Int, fraction: String)> = Gen { choices in
    let second = try Int(choices.choice(upTo: 2))
    let fraction = try choices.draw(fractions)
    let form = try choices.choice(upTo: 4)
    let text =
      switch form {
      case 0: "2026-01-02T03:04:0\(second)\(fraction)Z"
      case 1: "2026-01-02T04:34:0\(second)\(fraction)+01:30"
      case 2: "2026-01-01T23:04:0\(second)\(fraction)-04:00"
      case 3: "2026-01-02 03:04:0\(second)\(fraction)"
      default: "2026-01-02t03:04:0\(second)\(fraction)z"
      }
    let digits = fraction.dropFirst()
    return (text, second, digits + String(repeating: "0", count: 18 - digits.count))
  }

  // Made once: a generator of JSON text is costly to build, and these are drawn from for every token.
  private static let word = Gen<String>.element(of: ["null", "true", "false", "1.0", "1e2", "0"])
  private static let text = Gen<String>.jsonString(count: 0...4)
  private static let number = Gen<String>.jsonNumber
  private static let space = Gen<String>.jsonSpace
  private static let members: [Gen<[Tokens]>] = (0...1).map { member(depth: $0).array(count: 0...2) }
  private static let elements: [Gen<[Tokens]>] = (0...1).map { value(depth: $0).array(count: 0...2) }

  private static func value(depth: Int) -> Gen<Tokens> {
    Gen { choices in
      switch try choices.choice(upTo: depth > 0 ? 4 : 2) {
      case 0: [try choices.draw(word)]
      case 1: [try choices.draw(text)]
      case 2: [try choices.draw(number)]
      case 3: ["["] + Array(try choices.draw(elements[depth - 1]).joined(separator: [","])) + ["]"]
      default: ["{"] + Array(try choices.draw(members[depth - 1]).joined(separator: [","])) + ["}"]
      }
    }
  }

  private static func member(depth: Int) -> Gen<Tokens> {
    let value = value(depth: depth)
    return Gen { choices in [try choices.draw(text), ":"] + (try choices.draw(value)) }
  }

  private static let anyKey = Gen<(literal: String, bytes: [UInt8])>.element(of: keys)
  private static let anyHost = Gen<(literal: String, bytes: [UInt8])>.element(of: hosts)
  private static let version = Gen<UInt64>.element(of: [1, 2, 10, 0, .max])
  private static let flag = Gen<String>.element(of: ["true", "false"])
  private static let ownMembers = member(depth: 2).array(count: 0...2)
  private static let unknownValue = value(depth: 1)

  static let entry: Gen<GeneratedEntry> = Gen { choices in
    let key = try choices.draw(anyKey)
    let host = try choices.draw(anyHost)
    let stamp = try choices.draw(timestamps)
    let version = try choices.draw(version)
    var metadata: [Tokens] = [
      ["\"host\"", ":", host.literal], ["\"timestamp\"", ":", "\"\(stamp.text)\""],
      ["\"version\"", ":", "\(version)"], ["\"unique_id\"", ":", key.literal],
    ]
    if try choices.flip(yesIn: 4) {
      metadata.append(["\"deleted\"", ":", try choices.draw(flag)])
    }
    if try choices.flip(yesIn: 6) { metadata.append(["\"seen\"", ":", "{", "\"b\"", ":", "\"2026-01-02\"", "}"]) }
    if try choices.flip(yesIn: 6) { metadata.append(["\"later\"", ":"] + (try choices.draw(unknownValue))) }
    metadata = try choices.draw(Gen<[Tokens]>.shuffled(metadata))
    let own: Tokens =
      ["\"_crdt_metadata\"", ":", "{"] + Array(metadata.joined(separator: [","])) + ["}"]
    var members = try choices.draw(ownMembers)
    members.insert(own, at: try Int(choices.choice(upTo: UInt64(members.count))))
    let tokens = ["{"] + Array(members.joined(separator: [","])) + ["}"]
    return GeneratedEntry(
      key: key.bytes, second: stamp.second, fraction: stamp.fraction, host: host.bytes, version: version,
      compact: tokens.joined(), spaced: try spaced(tokens, &choices))
  }

  /// The tokens with white space between some of them.
  static func spaced(_ tokens: Tokens, _ choices: inout Choices) throws -> String {
    guard try choices.flip(yesIn: 3) else { return tokens.joined() }
    var text = ""
    for (index, token) in tokens.enumerated() {
      if index > 0 { text += try choices.draw(space) }
      text += token
    }
    return text
  }

  static let entries: Gen<[GeneratedEntry]> = entry.array(count: 0...4)

  /// Entries that may lack metadata, as older files hold them.
  static let file: Gen<[String]> = Gen.frequency((9, entry.map(\.spaced)), (1, legacy)).array(count: 0...3)

  private static let legacy: Gen<String> = Gen { choices in
    let id = try choices.draw(ids)
    return "{ \"id\":\(id),\"created_at\": \(try choices.draw(times)) }"
  }
  private static let ids = Gen<String>.element(of: ["\"x\"", "\"y\"", "7", "\"\\u0078\"", "null"])
  private static let times = Gen<String>.element(of: ["\"2026-01-02T03:04:00Z\"", "1767323041", "null", "\"soon\""])
}
