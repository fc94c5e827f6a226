#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// How laws are checked in this process, from the environment.
///
/// - `SEED`: the seed of the run, else random. A failure names the one it had.
/// - `CASES`: how many cases a law of the usual size gets, up or down, else 10,000, or 1,000 in a debug build. A law with a size of its own keeps its share.
/// - `CASE`: the one case to run.
public struct PropertySettings: Sendable {
  /// The cases of a law that asks for no other number, without `CASES`.
  public static let usualCases = 10_000

  /// The seed of the run.
  public var seed: Seed
  /// What `CASES` asks for.
  public var cases: Int?
  /// What `CASE` asks for.
  public var onlyCase: Int?
  /// How often a failing property may be tried again to make the case smaller.
  public var maximumShrinkRuns: Int

  /// Settings made by hand, for the tests of this kit.
  public init(seed: Seed, cases: Int? = nil, onlyCase: Int? = nil, maximumShrinkRuns: Int = 5_000) {
    self.seed = seed
    self.cases = cases
    self.onlyCase = onlyCase
    self.maximumShrinkRuns = maximumShrinkRuns
  }

  /// The settings of this process.
  public static let environment = PropertySettings(
    seed: variable("SEED").flatMap { Seed(parsing: $0) } ?? Seed(.random(in: 0 ... .max)),
    cases: variable("CASES").flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil } ?? casesOfBuild,
    onlyCase: variable("CASE").flatMap { Int($0) })

  /// A tenth without optimisation, for a look while working: `make test` builds with it.
  private static var casesOfBuild: Int? {
    #if DEBUG
      usualCases / 10
    #else
      nil
    #endif
  }

  /// The cases that a law gets which asks for `wanted`.
  func cases(wanted: Int) -> Int {
    guard let cases else { return wanted }
    let (product, overflow) = wanted.multipliedReportingOverflow(by: cases)
    return overflow ? cases : max(1, product / Self.usualCases)
  }

  private static func variable(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    return String(cString: value)
  }
}
