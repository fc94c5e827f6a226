/// Why some bytes were refused, and where.
///
/// Nothing was changed when it is thrown: everything in this layer is a function of bytes.
public struct MemoryError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Code: String, Hashable, Sendable {
    /// The bytes are not JSON (RFC 8259), or not UTF-8, or nested too deep.
    case invalidJSON
    /// JSON, but not the array of objects a state is.
    case invalidState
    /// An entry's `_crdt_metadata` is incomplete, malformed or there twice.
    case invalidMetadata
    /// Nothing there: no bytes or only white space.
    case empty
    /// It could be more than one format; name one.
    case ambiguousFormat
    /// It is none of the formats known, or not the one named.
    case unknownFormat
    /// An entry or file larger than this product handles.
    case tooLarge
    /// The request itself makes no sense: an unknown id, an option that does not fit.
    case notFound
    /// A file of rules for secrets that cannot be read.
    case invalidRules
  }

  public var code: Code
  /// The file as the user named it.
  public var source: String
  /// 1-based; 0 where a line makes no sense.
  public var line: Int
  /// 1-based, in bytes; 0 where a column makes no sense.
  public var column: Int
  /// One line without the position, ending without a full stop.
  public var reason: String

  public init(_ code: Code, source: String, line: Int = 0, column: Int = 0, reason: String) {
    self.code = code
    self.source = source
    self.line = line
    self.column = column
    self.reason = reason
  }

  /// `memory.json:3:17: reason`, as compilers write it.
  public var description: String {
    line > 0 ? "\(source):\(line):\(column): \(reason)" : "\(source): \(reason)"
  }
}

/// A refusal by offset, as the scanner throws it; line and column are counted only when it is shown.
package struct ScanFailure: Error, Hashable {
  package var code: MemoryError.Code
  package var offset: Int
  package var reason: StaticReason

  package init(_ offset: Int, _ reason: StaticReason, code: MemoryError.Code = .invalidJSON) {
    self.code = code
    self.offset = offset
    self.reason = reason
  }

  /// The same refusal with the file's name, line and column.
  package func located(source: String, in bytes: RawSpan) -> MemoryError {
    let end = min(offset, bytes.byteCount)
    var line = 1
    var lineStart = 0
    for position in 0..<end where bytes.unsafeLoad(fromByteOffset: position, as: UInt8.self) == 0x0A {
      line += 1
      lineStart = position + 1
    }
    return MemoryError(
      code, source: source, line: line, column: end - lineStart + 1, reason: reason.description)
  }
}

/// The reasons the scanner gives: static text, so that throwing one allocates nothing.
package struct StaticReason: Hashable, CustomStringConvertible, ExpressibleByStringLiteral {
  private let text: StaticString
  package init(stringLiteral value: StaticString) { text = value }
  package var description: String { text.description }
  package static func == (left: StaticReason, right: StaticReason) -> Bool {
    left.description == right.description
  }
  package func hash(into hasher: inout Hasher) { hasher.combine(description) }
}
