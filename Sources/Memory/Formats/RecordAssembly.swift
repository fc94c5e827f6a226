import CRDT

/// Makes the records of a memory file out of the view's entries: the way back of ``RecordReader``.
///
/// Observations are put back into their entity, in the order of their creation. One whose entity is gone (it was
/// added on one host while another removed the entity) is shown under a placeholder of the type `(removed)`, so that
/// nothing live is invisible. Reading a placeholder gives back its observations and nothing else, so showing it does
/// not bring the entity back, and one whose last observation somebody took out is nothing at all.
enum RecordAssembly {
  /// Compact JSON objects: plain records, then entities, then relations, each in the order of creation.
  ///
  /// What is in quarantine is no record: see ``damagedLines(of:)``.
  static func records(of entries: [Entry]) -> [[UInt8]] {
    var plain: [[UInt8]] = []
    var entities: [(name: [UInt8], content: [UInt8], observations: Range<Int>)] = []
    var relations: [[UInt8]] = []
    var observations: [ByteString: [[UInt8]]] = [:]
    var observedNames: [ByteString] = []

    for entry in inOrderOfCreation(entries) {
      if entry.metadata.kind == Quarantine.kind { continue }
      let content = entry.content
      if entry.metadata.kind == Observation.kind, let observation = Observation(content: content) {
        let name = ByteString(bytes: observation.entity)
        if observations[name] == nil { observedNames.append(name) }
        observations[name, default: []].append(observation.value)
        continue
      }
      let bytes = content.span.bytes
      let members = (try? JSONObject.members(at: 0, bytes).members) ?? []
      let record = GraphRecord(members, bytes)
      // By its id, too: an object with an `id` of its own is no part of the graph, whatever it looks like.
      switch record {
      case .entity(let name, let member) where record?.id == entry.id:
        entities.append((name, content, member.value))
      case .relation where record?.id == entry.id:
        relations.append(content)
      default:
        plain.append(content)
      }
    }

    var records = plain
    for entity in entities {
      let values = observations.removeValue(forKey: ByteString(bytes: entity.name)) ?? []
      records.append(splice(values, into: entity.content, at: entity.observations))
    }
    for name in observedNames {
      guard let values = observations[name] else { continue }
      records.append(placeholder(name.bytes, values))
    }
    return records + relations
  }

  /// The exact bytes of the lines in quarantine, in the order of creation.
  static func damagedLines(of entries: [Entry]) -> [[UInt8]] {
    inOrderOfCreation(entries.filter { $0.metadata.kind == Quarantine.kind }).compactMap {
      Quarantine.line(ofContent: $0.content)
    }
  }

  /// The order in which entries came to be.
  static func inOrderOfCreation(_ entries: [Entry]) -> [Entry] {
    entries
      .map { (created: UniqueID($0.metadata.uniqueID)?.created ?? $0.metadata.stamp.instant, entry: $0) }
      .sorted {
        $0.created != $1.created
          ? $0.created < $1.created : $0.entry.metadata.uniqueID < $1.entry.metadata.uniqueID
      }
      .map(\.entry)
  }

  /// Puts values at the end of the compact array that stands at `array` in `content`.
  static func splice(_ values: [[UInt8]], into content: [UInt8], at array: Range<Int>) -> [UInt8] {
    guard !values.isEmpty else { return content }
    var output = Array(content[..<(array.upperBound - 1)])
    if array.count > 2 { output.append(0x2C) }
    output += values.joined(separator: [0x2C])
    output += content[(array.upperBound - 1)...]
    return output
  }

  /// The record that shows observations whose entity is gone.
  static func placeholder(_ name: [UInt8], _ values: [[UInt8]]) -> [UInt8] {
    var output = Array(#"{"type":"entity","name":"#.utf8) + JSONText.quoted(name)
    output += Array(#","entityType":"#.utf8) + JSONText.quoted(RecordReader.removedEntityType)
    output += Array(#","observations":["#.utf8)
    output += values.joined(separator: [0x2C])
    output += [0x5D, 0x7D]
    return output
  }
}
