import CRDT
import Checkpointing
import CommandSupport
import Memory

/// Checkpoints as people and programs read them.
enum CheckpointText {
  static let columns = ["NUMBER", "HOST", "TIME", "ID", "TRIGGER", "TAGS", "MESSAGE"]

  /// Its message, and whether that is what was written.
  static func message(_ header: CheckpointHeader, _ verdict: StoredCheckpoint.Verdict?) -> String {
    let mark =
      switch verdict {
      case .valid: ""
      case .invalid: "(damaged) "
      case .legacy: "(legacy) "
      case nil: "(not checked) "
      }
    return mark + TextTable.short(header.message.description)
  }

  /// The same as a member's value.
  static func name(_ verdict: StoredCheckpoint.Verdict?) -> String { verdict?.rawValue ?? "unchecked" }

  /// - Parameter message: what stands for its message; by default that one.
  static func row(_ header: CheckpointHeader, message: String? = nil) -> [String] {
    [
      "\(header.sequence)", header.stamp.host.description, TimeText.short(header.stamp.instant), header.id.short,
      header.trigger.description, header.tags.map(\.description).joined(separator: ","),
      message ?? TextTable.short(header.message.description),
    ]
  }

  static func name(_ header: CheckpointHeader) -> String {
    "\(header.sequence)@\(header.stamp.host) (\(header.id.short))"
  }

  static func size(_ count: Int) -> String {
    count < 10_000 ? "\(count) bytes" : count < 10_000_000 ? "\(count / 1000) kB" : "\(count / 1_000_000) MB"
  }

  static func json(_ header: CheckpointHeader, _ object: inout JSONWriter) {
    object.member("id", header.id.text)
    object.member("sequence", header.sequence)
    object.member("host", header.stamp.host)
    object.member("created", header.stamp.instant.description)
    object.member("session", header.session.text)
    object.member("message", header.message)
    texts("tags", header.tags, &object)
    object.member("trigger", header.trigger.description)
  }

  static func json(_ validation: CheckpointValidation, _ object: inout JSONWriter) {
    if let header = validation.header { json(header, &object) } else { object.member("id", validation.id) }
    object.member("verdict", validation.verdict.rawValue)
    object.member("reason", validation.reason)
  }

  static func json(_ annotation: CheckpointAnnotation, _ object: inout JSONWriter) {
    object.member("id", annotation.id.text)
    object.member("checkpoint", annotation.checkpoint.text)
    object.member("level", annotation.level.rawValue)
    object.member("text", annotation.text)
    object.member("created", annotation.stamp.instant.description)
    object.member("host", annotation.stamp.host)
  }

  static func json(_ session: CheckpointSession, _ object: inout JSONWriter) {
    object.member("id", session.id.text)
    object.member("name", session.name)
    object.member("host", session.started.host)
    object.member("started", session.started.instant.description)
    object.member("ended", session.ended?.description)
  }

  static func headers(_ name: String, _ headers: [CheckpointHeader], _ object: inout JSONWriter) {
    object.array(name) { array in
      for header in headers { array.object { json(header, &$0) } }
    }
  }

  static func texts(_ name: String, _ texts: [ByteString], _ object: inout JSONWriter) {
    object.array(name) { array in
      for text in texts { array.rawElement(JSONText.quoted(text.bytes)) }
    }
  }
}
