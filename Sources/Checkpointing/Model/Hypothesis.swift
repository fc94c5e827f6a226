import CRDT
import Memory

/// Where a hypothesis stands, and the only ways from one standing to another.
public enum HypothesisStatus: String, Hashable, Sendable, CaseIterable {
  /// Said, and not yet looked into.
  case proposed
  /// Being looked into.
  case testing
  /// Held to be true.
  case confirmed
  /// Held to be false.
  case refuted
  /// Laid aside.
  case suspended

  /// What may follow. What was confirmed or refuted is opened again by testing it again.
  public var successors: Set<HypothesisStatus> {
    switch self {
    case .proposed: [.testing, .suspended, .refuted]
    case .testing: [.confirmed, .refuted, .suspended]
    case .confirmed, .refuted: [.testing]
    case .suspended: [.proposed, .testing]
    }
  }
}

/// One step of a hypothesis from a status to the next.
public struct StatusChange: Hashable, Sendable {
  public var from: HypothesisStatus
  public var to: HypothesisStatus
  public var at: Instant?

  public init(from: HypothesisStatus, to: HypothesisStatus, at: Instant? = nil) {
    self.from = from
    self.to = to
    self.at = at
  }
}

/// What speaks for or against a hypothesis.
public struct Evidence: Hashable, Sendable {
  public enum Bearing: String, Hashable, Sendable, CaseIterable {
    case supports, contradicts, neutral
  }

  public var text: ByteString
  public var bearing: Bearing
  public var weight: ExactNumber?
  public var source: ByteString?
  /// Members unknown here, kept.
  var rest = CanonicalObject()

  public init(_ text: ByteString, bearing: Bearing, weight: ExactNumber? = nil, source: ByteString? = nil) {
    self.text = text
    self.bearing = bearing
    self.weight = weight
    self.source = source
  }
}

/// Something held possible, with how likely it was before and is after the evidence.
public struct Hypothesis: Hashable, Sendable {
  public var id: ByteString
  public var statement: ByteString
  /// In 0...1.
  public var prior: ExactNumber?
  /// In 0...1.
  public var posterior: ExactNumber?
  public private(set) var status: HypothesisStatus
  /// How it came to ``status``; empty where nobody kept it.
  public private(set) var changes: [StatusChange]
  /// Ids of the hypotheses this one stands on; sorted, each once.
  public var dependencies: [ByteString]
  public var evidence: [Evidence]
  /// Members unknown here, kept.
  var rest = CanonicalObject()

  public init(
    id: ByteString, statement: ByteString, prior: ExactNumber? = nil, posterior: ExactNumber? = nil,
    status: HypothesisStatus = .proposed, dependencies: Set<ByteString> = [], evidence: [Evidence] = []
  ) {
    self.id = id
    self.statement = statement
    self.prior = prior
    self.posterior = posterior
    self.status = status
    self.changes = []
    self.dependencies = dependencies.sorted()
    self.evidence = evidence
  }

  /// Goes to another status. Throws `.invalidTransition`, and changes nothing, where that is no step of the machine.
  public mutating func move(to next: HypothesisStatus, at instant: Instant? = nil) throws(CheckpointError) {
    guard status.successors.contains(next) else {
      throw CheckpointError(
        .invalidTransition, "hypothesis \"\(id)\" cannot go from \(status.rawValue) to \(next.rawValue)",
        remedy: "From \(status.rawValue) it goes to "
          + status.successors.map(\.rawValue).sorted().joined(separator: ", "))
    }
    changes.append(StatusChange(from: status, to: next, at: instant))
    status = next
  }
}

extension Hypothesis {
  init(_ bytes: [UInt8]) throws(CheckpointError) {
    var reader = try MemberReader(bytes, what: "hypothesis")
    id = try reader.required("id", try reader.text("id"))
    guard !id.isEmpty, id.count <= CheckpointLimits.nameBytes else { throw reader.wrong("id", "is empty or too long") }
    reader = MemberReader(reader.rest, what: "hypothesis \"\(ByteString(id.bytes.prefix(64)))\"")
    statement = try reader.text("statement") ?? ""
    prior = try reader.probability("prior")
    posterior = try reader.probability("posterior")
    status = try reader.status("status") ?? .proposed
    dependencies = Set(try reader.texts("dependencies") ?? []).sorted()
    evidence = []
    for element in try reader.elements("evidence") ?? [] { evidence.append(try Evidence(element)) }
    changes = []
    for element in try reader.elements("changes") ?? [] {
      var change = try MemberReader(element, what: "\(reader.what), status change")
      changes.append(
        StatusChange(
          from: try change.required("from", try change.status("from")),
          to: try change.required("to", try change.status("to")), at: try change.instant("at")))
    }
    rest = reader.rest
    try check()
  }

  /// Every step is one of the machine, they follow each other, and they lead to the status.
  private func check() throws(CheckpointError) {
    var standing = changes.first?.from ?? status
    for change in changes {
      guard change.from == standing, standing.successors.contains(change.to) else {
        throw CheckpointError(
          .invalidTransition,
          "hypothesis \"\(id)\" cannot go from \(change.from.rawValue) to \(change.to.rawValue)"
            + (change.from == standing ? "" : ": it was \(standing.rawValue)"),
          remedy: "The steps of a hypothesis are: "
            + HypothesisStatus.allCases.map { status in
              "\(status.rawValue) to \(status.successors.map(\.rawValue).sorted().joined(separator: " or "))"
            }.joined(separator: "; "))
      }
      standing = change.to
    }
    guard standing == status else {
      throw CheckpointError(
        .invalidTransition, "hypothesis \"\(id)\" is \(status.rawValue), but its changes end at \(standing.rawValue)")
    }
    if dependencies.contains(id) {
      throw CheckpointError(.badData, "hypothesis \"\(id)\" depends on itself")
    }
  }

  var canonical: CanonicalObject {
    var object = rest
    object.set("id", id)
    object.set("statement", statement)
    object.members["prior"] = prior?.text.bytes
    object.members["posterior"] = posterior?.text.bytes
    object.set("status", status.rawValue)
    if !dependencies.isEmpty { object.set("dependencies", dependencies) }
    if !evidence.isEmpty { object.members["evidence"] = CanonicalObject.array(evidence.map(\.canonical.bytes)) }
    if !changes.isEmpty {
      object.members["changes"] = CanonicalObject.array(
        changes.map { change in
          var object = CanonicalObject()
          object.set("from", change.from.rawValue)
          object.set("to", change.to.rawValue)
          if let at = change.at { object.set("at", at) }
          return object.bytes
        })
    }
    return object
  }
}

extension Evidence {
  init(_ bytes: [UInt8]) throws(CheckpointError) {
    var reader = try MemberReader(bytes, what: "evidence")
    text = try reader.required("text", try reader.text("text"))
    let name = try reader.text("bearing") ?? "neutral"
    guard let bearing = Bearing(rawValue: name.description) else {
      throw reader.wrong("bearing", "is none of " + Bearing.allCases.map(\.rawValue).joined(separator: ", "))
    }
    self.bearing = bearing
    weight = try reader.number("weight")
    source = try reader.text("source")
    rest = reader.rest
  }

  var canonical: CanonicalObject {
    var object = rest
    object.set("text", text)
    object.set("bearing", bearing.rawValue)
    object.members["weight"] = weight?.text.bytes
    if let source { object.set("source", source) }
    return object
  }
}

extension MemberReader {
  mutating func number(_ name: ByteString) throws(CheckpointError) -> ExactNumber? {
    guard let value = take(name) else { return nil }
    guard let number = ExactNumber(ByteString(bytes: value)) else { throw wrong(name, "is no number") }
    return number
  }

  fileprivate mutating func probability(_ name: ByteString) throws(CheckpointError) -> ExactNumber? {
    guard let number = try number(name) else { return nil }
    guard (0...1).contains(number.value) else { throw wrong(name, "is no probability from 0 to 1") }
    return number
  }

  fileprivate mutating func status(_ name: ByteString) throws(CheckpointError) -> HypothesisStatus? {
    guard let text = try text(name) else { return nil }
    guard let status = HypothesisStatus(rawValue: text.description) else {
      throw wrong(name, "is none of " + HypothesisStatus.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return status
  }
}
