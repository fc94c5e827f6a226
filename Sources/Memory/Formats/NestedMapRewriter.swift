import CRDT

/// Values by their path, in the order of their coming.
struct NestedMapTree {
  private(set) var names: [ByteString] = []
  private var children: [ByteString: NestedMapTree] = [:]
  /// The compact value where no names follow.
  private(set) var value: [UInt8]?

  /// The tree of these entries; those of other kinds are left out.
  init(_ contents: [[UInt8]]) {
    for content in contents {
      guard let (names, value) = NestedMapFormat.leaf(of: content) else { continue }
      insert(value, at: names[...])
    }
  }

  private init() {}

  /// A category wins over a value of the same path.
  private mutating func insert(_ value: [UInt8], at path: ArraySlice<ByteString>) {
    guard let name = path.first else {
      if names.isEmpty { self.value = value }
      return
    }
    self.value = nil
    if children[name] == nil { names.append(name) }
    children[name, default: NestedMapTree()].insert(value, at: path.dropFirst())
  }

  /// Takes the category of a name out; values stay.
  mutating func takeCategory(_ name: ByteString) -> NestedMapTree? {
    guard let child = children[name], child.value == nil else { return nil }
    children[name] = nil
    names.removeAll { $0 == name }
    return child
  }

  /// Name and compact value of every child.
  var members: [(name: [UInt8], value: [UInt8])] {
    names.map { (JSONText.quoted($0.bytes), children[$0]?.compact ?? []) }
  }

  private var compact: [UInt8] {
    value ?? [0x7B] + members.map { $0.name + [0x3A] + $0.value }.joined(separator: [0x2C]) + [0x7D]
  }

  /// One value a line.
  func text(indentation: [UInt8]) -> [UInt8] {
    if let value { return value }
    if names.isEmpty { return [0x7B, 0x7D] }
    let inner = indentation + [0x20, 0x20]
    let lines = names.map { name in
      inner + JSONText.quoted(name.bytes) + [0x3A, 0x20] + (children[name]?.text(indentation: inner) ?? [])
    }
    return [0x7B, 0x0A] + lines.joined(separator: [0x2C, 0x0A]) + [0x0A] + indentation + [0x7D]
  }
}

/// Rewrites a file of nested categories; see ``MemoryDocument/rewritten(_:toHold:keeping:)``.
struct NestedMapRewriter {
  private let source: LayoutSource
  private let items: [MemoryDocument.Item]
  private let fates: [LayoutFates.Fate]
  /// Items by where their value starts.
  private let itemAt: [Int: Int]

  init(_ bytes: [UInt8], _ items: [MemoryDocument.Item], _ fates: LayoutFates) {
    source = LayoutSource(bytes, isLineBased: false)
    self.items = items
    self.fates = fates.fates
    itemAt = Dictionary(
      items.enumerated().map { ($1.range.lowerBound, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The text of the whole object with what is missing in it.
  func text(ofObject range: Range<Int>, adding tree: NestedMapTree) -> [UInt8] {
    text(ofObject: range, level: 1, adding: tree) ?? [0x7B, 0x7D]
  }

  /// `nil` when nothing is left in it.
  private func text(ofObject range: Range<Int>, level: Int, adding tree: NestedMapTree?) -> [UInt8]? {
    let span = source.bytes.span.bytes
    let members = source.members(range)
    let sequence = LayoutSequence(
      kind: .object, depth: level - 1, interior: range.lowerBound + 1..<range.upperBound - 1,
      elements: members.map(\.whole))
    var tree = tree
    var slots: [LayoutSlot] = []
    for (index, member) in members.enumerated() {
      let name = ByteString(bytes: JSONText.decode(member.name, span))
      let text: [UInt8]?
      if NestedMapFormat.isCategory(member.value, level: level, span) {
        text = self.text(ofObject: member.value, level: level + 1, adding: tree?.takeCategory(name))
      } else {
        text = self.text(ofValue: member.value, level: level)
      }
      guard let text else { continue }
      slots.append(.changed(index, source.slice(member.whole.lowerBound..<member.value.lowerBound) + text))
    }
    let indentation = sequence.indentation(in: source)
    for (name, value) in tree?.members ?? [] {
      let text = source.style.text(of: value, depth: level, indentation: indentation)
      slots.append(.new(name + source.style.colon + text))
    }
    return slots.isEmpty ? nil : [0x7B] + sequence.text(slots, in: source) + [0x7D]
  }

  private func text(ofValue range: Range<Int>, level: Int) -> [UInt8]? {
    guard let item = itemAt[range.lowerBound] else { return source.slice(range) }
    switch fates[item] {
    case .kept: return source.slice(range)
    case .removed: return nil
    case .stands(let content):
      guard content != items[item].content, let value = NestedMapFormat.leaf(of: content)?.value else {
        return source.slice(range)
      }
      return source.edited(range, to: value, depth: level)
    }
  }
}
