/// Full-jitter exponential backoff: before attempt n, a uniformly random wait of up to `base * 2^n`, bounded.
///
/// Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
public struct Backoff: Sendable {
  public var baseMilliseconds: Int
  public var limitMilliseconds: Int
  private var attempt = 0

  public init(baseMilliseconds: Int = 50, limitMilliseconds: Int = 10_000) {
    precondition(baseMilliseconds > 0 && limitMilliseconds >= baseMilliseconds)
    self.baseMilliseconds = baseMilliseconds
    self.limitMilliseconds = limitMilliseconds
  }

  /// The next wait.
  /// - Parameter random: eight random bytes as a number.
  public mutating func nextMilliseconds(random: UInt64) -> Int {
    let ceiling = min(limitMilliseconds, baseMilliseconds << min(attempt, 20))
    attempt += 1
    return Int(random % UInt64(ceiling + 1))
  }
}
