import CRDT
import Memory

/// How the elements of each index are written: as JSON objects with their members in a fixed order. The whole state and
/// the journal's changes share these forms.
extension JSONWriter {
  mutating func unsigned(_ name: String, _ value: UInt64) { raw(name, Array(String(value).utf8)) }

  /// `"infinite"` for the greatest number.
  mutating func work(_ name: String, _ value: UInt64) {
    if value == Proof.infinite { member(name, "infinite") } else { unsigned(name, value) }
  }

  mutating func stamp(_ stamp: Stamp) {
    member(Array("time".utf8), stamp.instant.written)
    member("host", stamp.host)
  }

  mutating func stamp(_ name: String, _ stamp: Stamp) { object(name) { $0.stamp(stamp) } }

  mutating func element(_ text: ByteString) { rawElement(JSONText.quoted(text.bytes)) }

  /// `[["replica",3],…]`, sorted.
  mutating func numbers(_ name: String, _ numbers: some Sequence<(replica: SessionID, number: UInt64)>) {
    let sorted = numbers.sorted { $0.replica != $1.replica ? $0.replica < $1.replica : $0.number < $1.number }
    array(name) { writer in
      for (replica, number) in sorted {
        writer.array { pair in
          pair.element(replica)
          pair.rawElement(Array(String(number).utf8))
        }
      }
    }
  }

  mutating func dots(_ name: String, _ dots: Set<Dot<SessionID>>) {
    numbers(name, dots.map { ($0.replica, $0.counter) })
  }

  mutating func proof(_ node: ByteString, _ register: LWWRegister<Proof, Stamp>) {
    object { writer in
      writer.member("node", node)
      writer.work("proof", register.value.proof)
      writer.work("disproof", register.value.disproof)
      writer.member("status", register.value.status.rawValue)
      writer.member("source", register.value.source.rawValue)
      writer.stamp(register.stamp)
    }
  }

  mutating func constraint(_ id: ByteString, _ register: ConstraintIndex.Register) {
    object { writer in
      writer.member("id", id)
      if let constraint = register.value.value {
        writer.member("type", constraint.kind.rawValue)
        writer.array("nodes") { nodes in
          for node in constraint.nodes { nodes.element(node) }
        }
        writer.member("expression", constraint.expression)
        writer.member("active", constraint.isActive)
        writer.member("source", constraint.source.rawValue)
        writer.stamp("created", constraint.created)
      } else {
        writer.member("removed", true)
      }
      writer.stamp(register.stamp)
    }
  }

  mutating func similarity(_ pair: NodePair, _ register: LWWRegister<Distance, Stamp>) {
    object { writer in
      writer.member("a", pair.first)
      writer.member("b", pair.second)
      writer.raw("distance", register.value.written)
      writer.stamp(register.stamp)
    }
  }

  mutating func events(_ context: DotContext<SessionID>) {
    numbers("seen", context.contiguous.counters.map { ($0.key, $0.value) })
    dots("isolated", context.isolated)
  }

  mutating func history(_ entry: HistoryEntry) {
    object { writer in
      writer.member("id", entry.id)
      writer.member("node", entry.node)
      writer.member("action", entry.action)
      writer.member("result", entry.result)
      writer.member("source", entry.source.rawValue)
      writer.stamp(entry.time)
      writer.object("metadata") { metadata in
        for (name, value) in entry.metadata.sorted(by: { $0.key < $1.key }) { metadata.member(name.bytes, value.bytes) }
      }
    }
  }

  mutating func streaming(_ item: ByteString, _ counter: GrowOnlyCounter<SessionID>) {
    object { writer in
      writer.member("item", item)
      writer.numbers("counts", counter.counts.counters.map { ($0.key, $0.value) })
    }
  }

  mutating func literals(_ name: String, _ literals: [Literal]) {
    array(name) { writer in
      for literal in literals { writer.literal(literal) }
    }
  }

  mutating func literal(_ literal: Literal) {
    object { writer in
      writer.member("type", literal.kind)
      writer.member("value", literal.value)
      writer.member("negated", literal.isNegated)
    }
  }

  mutating func clause(_ clause: Clause, _ record: ClauseRecord) {
    object { writer in
      writer.literals("literals", clause.literals)
      writer.member("source", record.origin.value.source.rawValue)
      writer.member("failure", record.origin.value.failure)
      writer.member("session", record.origin.value.session)
      writer.stamp("learned", record.origin.stamp)
      writer.numbers("uses", record.uses.counts.counters.map { ($0.key, $0.value) })
      if let lastUsed = record.lastUsed { writer.stamp("lastUsed", lastUsed.value) }
    }
  }
}
