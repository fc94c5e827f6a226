/// How a file is laid out, as far as text that is added to it has to look alike: learned from the file itself.
struct LayoutStyle {
  /// Whether everything stands on one line, as in line-based formats.
  let isOneLine: Bool
  /// What ends a line.
  private(set) var newline: [UInt8] = [0x0A]
  /// One level of indentation.
  private(set) var indentUnit: [UInt8] = [0x20, 0x20]
  /// The colon with the space around it.
  private(set) var colon: [UInt8] = [0x3A]
  /// What follows a comma on the same line.
  private(set) var spaceBehindComma: [UInt8] = []

  /// Votes by depth: above 0 where arrays, or objects, are spread over lines.
  private var arrayVotes: [Int] = []
  private var objectVotes: [Int] = []

  /// As much of a file as is looked at.
  private static let learnedBytes = 1 << 18

  /// - Complexity: O(1) beyond the first quarter of a MiB.
  init(of bytes: [UInt8], isLineBased: Bool) {
    isOneLine = isLineBased
    learn(bytes)
  }

  /// Whether the file says anything of how containers are spread.
  var isKnown: Bool { !arrayVotes.isEmpty || !objectVotes.isEmpty }

  /// Whether any container is spread over lines.
  var isSpreadAnywhere: Bool { arrayVotes.contains { $0 > 0 } || objectVotes.contains { $0 > 0 } }

  /// Whether a container with `depth` others around it is spread over lines.
  func isSpread(_ kind: JSONKind, depth: Int) -> Bool {
    if isOneLine { return false }
    var level = min(depth, max(arrayVotes.count, objectVotes.count) - 1)
    while level >= 0 {
      let own = LayoutStyle.vote(kind == .array ? arrayVotes : objectVotes, level)
      let other = LayoutStyle.vote(kind == .array ? objectVotes : arrayVotes, level)
      if own != 0 || other != 0 { return own != 0 ? own > 0 : other > 0 }
      level -= 1
    }
    return false
  }

  private static func vote(_ votes: [Int], _ level: Int) -> Int { level < votes.count ? votes[level] : 0 }

  // MARK: Writing

  /// A compact value in this style.
  /// - Parameters:
  ///   - depth: how many containers are around it.
  ///   - indentation: what the line begins with that it starts in.
  /// - Complexity: O(n), without recursion.
  func text(of compact: [UInt8], depth: Int, indentation: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(compact.count + compact.count / 4)
    var open: [Bool] = []
    func breakLine() {
      output += newline
      output += indentation
      for _ in open where !indentUnit.isEmpty { output += indentUnit }
    }
    var index = 0
    while index < compact.count {
      let byte = compact[index]
      switch byte {
      case 0x22:
        let end = LayoutStyle.stringEnd(compact, index)
        output += compact[index..<end]
        index = end
        continue
      case 0x5B, 0x7B:
        output.append(byte)
        if index + 1 < compact.count, compact[index + 1] == byte + 2 {
          output.append(byte + 2)
          index += 1
        } else {
          open.append(isSpread(byte == 0x5B ? .array : .object, depth: depth + open.count))
          if open.last == true { breakLine() }
        }
      case 0x5D, 0x7D:
        if open.popLast() == true { breakLine() }
        output.append(byte)
      case 0x2C:
        output.append(byte)
        if open.last == true { breakLine() } else { output += spaceBehindComma }
      case 0x3A: output += colon
      default: output.append(byte)
      }
      index += 1
    }
    return output
  }

  /// Behind the closing quote of the string that starts at `start`, or the end of the bytes.
  static func stringEnd(_ bytes: [UInt8], _ start: Int) -> Int {
    var index = start + 1
    while index < bytes.count, bytes[index] != 0x22 { index += bytes[index] == 0x5C ? 2 : 1 }
    return min(index + 1, bytes.count)
  }

  // MARK: Learning

  /// One pass over a file that may hold damaged lines: whatever it holds, this ends.
  private mutating func learn(_ bytes: [UInt8]) {
    let end = min(bytes.count, LayoutStyle.learnedBytes)
    var depth = 0
    var line = 0
    var colons = [0, 0, 0, 0]
    var commas = 0
    var knowsNewline = false
    var knowsUnit = false
    func indentation(_ start: Int) -> ArraySlice<UInt8> { bytes[start...].prefix { $0 == 0x20 || $0 == 0x09 } }
    var index = 0
    while index < end {
      switch bytes[index] {
      case 0x0A:
        if !knowsNewline, index > 0, bytes[index - 1] == 0x0D { newline = [0x0D, 0x0A] }
        knowsNewline = true
        line = index + 1
        if isOneLine { depth = 0 }
      case 0x22:
        // Half a string in a damaged line ends with its line.
        let next = LayoutStyle.stringEnd(bytes, index)
        index = bytes[index..<next].firstIndex(of: 0x0A) ?? next
        continue
      case 0x3A where index + 2 < bytes.count:
        let before = bytes[index - 1 < 0 ? 0 : index - 1] == 0x20
        let behind = bytes[index + 1] == 0x20
        colons[(before ? 2 : 0) + (behind ? 1 : 0)] += 1
      case 0x2C where index + 1 < bytes.count && bytes[index + 1] != 0x0A && bytes[index + 1] != 0x0D:
        commas += bytes[index + 1] == 0x20 ? 1 : -1
      case 0x5B, 0x7B:
        var next = index + 1
        var lastLine: Int?
        while next < bytes.count, bytes[next] <= 0x20 {
          if bytes[next] == 0x0A { lastLine = next + 1 }
          next += 1
        }
        if next < bytes.count, bytes[next] != bytes[index] + 2 {
          count(bytes[index] == 0x5B ? .array : .object, depth, lastLine == nil ? -1 : 1)
          if let lastLine, !knowsUnit {
            let outer = indentation(line)
            let inner = indentation(lastLine)
            if inner.count > outer.count, inner.starts(with: outer) {
              indentUnit = Array(inner.dropFirst(outer.count))
              knowsUnit = true
            }
          }
        }
        depth += 1
      case 0x5D, 0x7D: depth = max(0, depth - 1)
      default: break
      }
      index += 1
    }
    let most = colons.indices.max { colons[$0] < colons[$1] } ?? 0
    if colons[most] > 0 { colon = [[0x3A], [0x3A, 0x20], [0x20, 0x3A], [0x20, 0x3A, 0x20]][most] }
    spaceBehindComma = commas > 0 || (commas == 0 && colon.last == 0x20) ? [0x20] : []
  }

  private mutating func count(_ kind: JSONKind, _ depth: Int, _ vote: Int) {
    guard depth < JSONScanner.depthLimit else { return }
    func add(to votes: inout [Int]) {
      while votes.count <= depth { votes.append(0) }
      votes[depth] += vote
    }
    if kind == .array { add(to: &arrayVotes) } else { add(to: &objectVotes) }
  }
}
