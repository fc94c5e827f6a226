import CRDT

/// Changing a value where it stands: whatever is the same in the new one keeps its bytes.
extension LayoutSource {
  /// Levels of a value that are compared one by one; what differs further in is written anew.
  private static let levelLimit = 16

  /// The text of the value at `old`, changed to say `new`.
  /// - Parameters:
  ///   - new: a compact value.
  ///   - depth: how many containers are around it in the file.
  /// - Complexity: O(n · levels)
  func edited(_ old: Range<Int>, to new: [UInt8], depth: Int, level: Int = 0) -> [UInt8] {
    if compact(old) == new { return slice(old) }
    if level < LayoutSource.levelLimit {
      switch (kind(old), JSONObject.kind(at: 0, new.span.bytes)) {
      case (.object, .object):
        return editedObject(old, to: LayoutMember.all(of: new), depth: depth, level: level)
      case (.array, .array): return editedArray(old, to: new, depth: depth, level: level)
      default: break
      }
    }
    return style.text(of: new, depth: depth, indentation: indentation(at: old.lowerBound))
  }

  /// The text of the object at `old`, changed to have these members in this order.
  /// - Parameter keepsMetadata: whether `_crdt_metadata` members, which no content has, stay where they are.
  func editedObject(
    _ old: Range<Int>, to target: [LayoutMember], depth: Int, level: Int = 0, keepsMetadata: Bool = false
  ) -> [UInt8] {
    let span = bytes.span.bytes
    let members = members(old)
    let sequence = LayoutSequence(
      kind: .object, depth: depth, interior: old.lowerBound + 1..<old.upperBound - 1, elements: members.map(\.whole))
    var oldByName: [ByteString: [Int]] = [:]
    var metadata: [Int] = []
    for index in members.indices.reversed() {
      if keepsMetadata, EntryTable.isMetadataName(members[index].name, span) {
        metadata.insert(index, at: 0)
      } else {
        oldByName[ByteString(bytes: JSONText.decode(members[index].name, span)), default: []].append(index)
      }
    }
    var slots: [(old: Int?, slot: LayoutSlot)] = []
    let indentation = sequence.indentation(in: self)
    for member in target {
      if let index = oldByName[member.decodedName]?.popLast() {
        slots.append((index, changedMember(members[index], index, to: member, depth: depth, level: level)))
      } else {
        let value =
          switch member.value {
          case .text(let text): text
          case .compact(let value): style.text(of: value, depth: depth + 1, indentation: indentation)
          }
        slots.append((nil, .new(member.name + style.colon + value)))
      }
    }
    for index in metadata {
      let behind = slots.lastIndex { ($0.old ?? Int.max) < index }
      slots.insert((index, .kept(index)), at: behind.map { $0 + 1 } ?? 0)
    }
    return [0x7B] + sequence.text(slots.map(\.slot), in: self) + [0x7D]
  }

  private func changedMember(_ old: JSONMember, _ index: Int, to new: LayoutMember, depth: Int, level: Int)
    -> LayoutSlot
  {
    let value =
      switch new.value {
      case .text(let text): text
      case .compact(let value): edited(old.value, to: value, depth: depth + 1, level: level + 1)
      }
    let nameEnd = old.name.range.upperBound + 1
    let text = new.name + slice(nameEnd..<old.value.lowerBound) + value
    return text == slice(old.whole) ? .kept(index) : .changed(index, text)
  }

  private func editedArray(_ old: Range<Int>, to new: [UInt8], depth: Int, level: Int) -> [UInt8] {
    let olds = elements(old)
    let span = new.span.bytes
    let news = ((try? JSONObject.elements(at: 0, span).elements) ?? []).map { JSONText.slice(span, $0) }
    let compacts = olds.map(compact)
    let shorter = min(olds.count, news.count)
    var same = 0
    while same < shorter, compacts[same] == news[same] { same += 1 }
    var sameAtEnd = 0
    while sameAtEnd < shorter - same, compacts[olds.count - 1 - sameAtEnd] == news[news.count - 1 - sameAtEnd] {
      sameAtEnd += 1
    }
    let sequence = LayoutSequence(
      kind: .array, depth: depth, interior: old.lowerBound + 1..<old.upperBound - 1, elements: olds)
    let indentation = sequence.indentation(in: self)
    var slots = (0..<same).map(LayoutSlot.kept)
    for index in same..<(news.count - sameAtEnd) {
      if index < olds.count - sameAtEnd {
        let text = edited(olds[index], to: news[index], depth: depth + 1, level: level + 1)
        slots.append(.changed(index, text))
      } else {
        slots.append(.new(style.text(of: news[index], depth: depth + 1, indentation: indentation)))
      }
    }
    slots += (olds.count - sameAtEnd..<olds.count).map(LayoutSlot.kept)
    return [0x5B] + sequence.text(slots, in: self) + [0x5D]
  }
}
