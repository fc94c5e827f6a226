/// What stands at one place of a sequence after it was rewritten.
enum LayoutSlot {
  /// An element as it is.
  case kept(Int)
  /// An element whose text is another.
  case changed(Int, [UInt8])
  /// A new element.
  case new([UInt8])

  /// The element it was.
  var old: Int? {
    switch self {
    case .kept(let index), .changed(let index, _): index
    case .new: nil
    }
  }
}

/// The elements of an array, the members of an object, or the lines of a file, and what is between them.
///
/// Rewriting moves no byte that belongs to an element that stays or stands between two that do.
struct LayoutSequence {
  enum Kind: Hashable {
    case array, object, lines

    var json: JSONKind { self == .array ? .array : .object }
  }

  var kind: Kind
  /// How many containers are around it.
  var depth: Int
  /// From behind the opening bracket to the closing one; all of the file for lines.
  var interior: Range<Int>
  var elements: [Range<Int>]

  /// What the line begins with that a new element stands in.
  func indentation(in source: LayoutSource) -> [UInt8] {
    if kind == .lines { return [] }
    if elements.isEmpty {
      let outer = source.indentation(at: interior.lowerBound)
      return isSpread(in: source) && !isWholeFile(source) ? outer + source.style.indentUnit : outer
    }
    let gap = typicalGap(in: source)
    guard let newline = gap.lastIndex(of: 0x0A) else { return source.indentation(at: interior.lowerBound) }
    return Array(gap[(newline + 1)...].prefix { $0 == 0x20 || $0 == 0x09 })
  }

  /// The text of the interior with these elements in it.
  ///
  /// An element that was there keeps what stood in front of it; what follows none of the old ones gets what is usual
  /// here. Nothing is left between the brackets when no element is.
  func text(_ slots: [LayoutSlot], in source: LayoutSource) -> [UInt8] {
    guard !slots.isEmpty else { return [] }
    if elements.isEmpty { return textOfFirst(slots, in: source) }
    var output = source.slice(interior.lowerBound..<elements[0].lowerBound)
    let usual = typicalGap(in: source)
    for (position, slot) in slots.enumerated() {
      let old: Int?
      let text: [UInt8]
      switch slot {
      case .kept(let index): (old, text) = (index, source.slice(elements[index]))
      case .changed(let index, let changed): (old, text) = (index, changed)
      case .new(let new): (old, text) = (nil, new)
      }
      if position > 0 {
        let gap =
          if let old, old > 0 { source.slice(elements[old - 1].upperBound..<elements[old].lowerBound) } else { usual }
        append(gap, to: &output)
      }
      output += text
    }
    append(source.slice(elements[elements.count - 1].upperBound..<interior.upperBound), to: &output)
    return output
  }

  private func append(_ gap: [UInt8], to output: inout [UInt8]) {
    // A return that belongs to its line would be taken for a part of the line's end.
    if kind == .lines, output.last == 0x0D, gap.first == 0x0A { output.append(0x0D) }
    output += gap
  }

  private func textOfFirst(_ slots: [LayoutSlot], in source: LayoutSource) -> [UInt8] {
    let texts = slots.compactMap { slot -> [UInt8]? in
      if case .new(let text) = slot { text } else { nil }
    }
    let style = source.style
    if kind == .lines { return Array(texts.joined(separator: style.newline)) + style.newline }
    guard isSpread(in: source) else {
      return Array(texts.joined(separator: [0x2C] + style.spaceBehindComma))
    }
    let lineBreak = style.newline + indentation(in: source)
    return lineBreak + Array(texts.joined(separator: [0x2C] + lineBreak)) + style.newline
      + source.indentation(at: interior.lowerBound)
  }

  /// Empty, and there is nothing else in the file to learn from.
  private func isWholeFile(_ source: LayoutSource) -> Bool { depth == 0 && !source.style.isKnown }

  private func isSpread(in source: LayoutSource) -> Bool {
    isWholeFile(source) || source.style.isSpread(kind.json, depth: depth)
      || elements.isEmpty && source.bytes[interior].contains(0x0A)
  }

  /// What stands between two elements here.
  private func typicalGap(in source: LayoutSource) -> [UInt8] {
    if kind == .lines { return source.style.newline }
    if elements.count > 1 {
      return source.slice(elements[elements.count - 2].upperBound..<elements[elements.count - 1].lowerBound)
    }
    let lead = source.slice(interior.lowerBound..<elements[0].lowerBound)
    return [0x2C] + (lead.contains(0x0A) ? lead : source.style.spaceBehindComma)
  }
}
