/// Values by key, where the last writer decides for each key, also whether there is a value: join is that of the
/// registers, key by key (Shapiro et al. 2011, LWW-Register and U-Map).
///
/// Removing a value writes a **tombstone** in its place. It stays for ever: without it a replica that has not heard
/// of the removal would bring the value back. Of a value and a tombstone with one and the same stamp the value stays.
public struct LWWMap<
  Key: Hashable & Sendable, Value: Comparable & Hashable & Sendable, Stamp: Comparable & Hashable & Sendable
>: BoundedSemilattice, Hashable, Sendable {
  /// What was last said of a key.
  public enum Slot: Comparable, Hashable, Sendable {
    /// That it has no value: a tombstone.
    case removed
    /// That it has this value.
    case present(Value)

    /// The value, if there is one.
    public var value: Value? {
      switch self {
      case .removed: nil
      case .present(let value): value
      }
    }
  }

  /// What was last said of a key, and when.
  public typealias Register = LWWRegister<Slot, Stamp>

  /// All registers, those of tombstones too: the whole state.
  public private(set) var registers: [Key: Register]

  /// The empty map.
  public init() { registers = [:] }

  /// Holds `registers`, as read from another map.
  public init(registers: [Key: Register]) { self.registers = registers }

  /// The value of `key`; `nil` when it has none, or none any more.
  ///
  /// - Complexity: O(1) on average.
  public subscript(key: Key) -> Value? { registers[key]?.value.value }

  /// When `key` was last written or removed; `nil` when it never was.
  ///
  /// - Complexity: O(1) on average.
  public func stamp(of key: Key) -> Stamp? { registers[key]?.stamp }

  /// Whether `key` was removed and not written since.
  ///
  /// - Complexity: O(1) on average.
  public func isRemoved(_ key: Key) -> Bool { registers[key]?.value == .removed }

  /// The live view: the values that were not removed.
  ///
  /// - Complexity: O(*n*) in the number of registers.
  public var live: [Key: Value] { registers.compactMapValues(\.value.value) }

  /// Writes `value`, which shows when `stamp` is greater than what is known of `key`; returns the delta.
  ///
  /// - Complexity: O(1) on average.
  @discardableResult
  public mutating func set(_ value: Value, for key: Key, at stamp: Stamp) -> LWWMap {
    write(.present(value), for: key, at: stamp)
  }

  /// Removes what `key` holds if `stamp` is greater, now and on every replica to come; returns the delta.
  ///
  /// A tombstone is written also where nothing is known of `key`: a value with a lesser stamp may be on its way.
  ///
  /// - Complexity: O(1) on average.
  @discardableResult
  public mutating func remove(_ key: Key, at stamp: Stamp) -> LWWMap { write(.removed, for: key, at: stamp) }

  private mutating func write(_ slot: Slot, for key: Key, at stamp: Stamp) -> LWWMap {
    let register = Register(slot, at: stamp)
    registers[key].join(register)
    return LWWMap(registers: [key: register])
  }

  /// Takes the register with the greater stamp for each key.
  ///
  /// - Complexity: O(*n*) on average in the number of registers of `other`.
  public mutating func join(_ other: LWWMap) { registers.join(other.registers) }

  /// Whether `other` has, for each key here, the same or a later register.
  public func isAtMost(_ other: LWWMap) -> Bool { registers.isAtMost(other.registers) }
}
