/// A small, fast generator of random numbers whose whole state is one seed (Steele, Lea and Flood 2014).
///
/// Two generators made from one seed yield the same numbers on every machine. Not for secrets.
public struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Starts the sequence that belongs to `seed`.
  public init(seed: UInt64) { state = seed }

  /// The next number, uniform over all 64-bit numbers.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mixed(state)
  }

  /// A bijection that spreads every input bit over the whole result.
  static func mixed(_ number: UInt64) -> UInt64 {
    var mixed = number
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// The seed of one run of the tests, and those derived from it.
///
/// From the environment variable `SEED` (decimal, or hexadecimal after `0x`), else random; one for a whole process.
public struct Seed: Hashable, Sendable, CustomStringConvertible {
  /// The number to give as `SEED` to have this seed again.
  public var number: UInt64

  /// The seed with this number.
  public init(_ number: UInt64) { self.number = number }

  /// Reads a seed as `SEED` spells it; `nil` when `text` is no such number.
  public init?(parsing text: String) {
    let parsed =
      text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
    guard let parsed else { return nil }
    number = parsed
  }

  /// The seed of this process.
  public static let current = PropertySettings.environment.seed

  /// The stream for case `index` of the law `name`: independent of all other cases and laws.
  func generator(law name: String, case index: Int) -> SplitMix64 {
    var digest: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in name.utf8 { digest = (digest ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return SplitMix64(seed: SplitMix64.mixed(SplitMix64.mixed(number &+ digest) &+ UInt64(index)))
  }

  /// The number in decimal.
  public var description: String { String(number) }
}
