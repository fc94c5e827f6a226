import CRDT
import Memory

/// What is frozen: where the agent worked, in which environment, its metrics and hypotheses, and whatever else it gave.
///
/// A value that is the same after any reload: numbers keep their spelling, and members unknown here are kept.
public struct CheckpointState: Hashable, Sendable {
  public var workingFolder: ByteString?
  /// Chosen variables only; see ``EnvironmentAllowList``.
  public var environment: [ByteString: ByteString] = [:]
  public var metrics: [ByteString: ExactNumber] = [:]
  /// Sorted by id, each once.
  public private(set) var hypotheses: [Hypothesis] = []
  /// Members unknown here, kept as they are: the agent's own.
  var rest = CanonicalObject()

  public init() {}

  /// Reads a JSON object: `workingFolder`, `environment`, `metrics`, `hypotheses`, and any further members.
  ///
  /// Throws `.badData` for what is no such object, `.invalidTransition` for a hypothesis that the status machine does not
  /// allow, `.tooLarge` beyond ``CheckpointLimits``.
  /// - Parameter source: the file's name, for errors.
  public init(json bytes: [UInt8], source: String = "state") throws(CheckpointError) {
    guard bytes.count <= CheckpointLimits.stateBytes else { throw CheckpointState.tooLarge(bytes.count) }
    var reader = try MemberReader(bytes, what: source)
    workingFolder = try reader.text("workingFolder")
    if let object = try reader.object("environment") {
      for (name, value) in object.members {
        guard let text = JSONReader.Value(bytes: value).text else {
          throw CheckpointError(.badData, "\(source).environment: \"\(name)\" is no string")
        }
        environment[name] = ByteString(bytes: text)
      }
    }
    if let object = try reader.object("metrics") {
      for (name, value) in object.members {
        guard let number = ExactNumber(ByteString(bytes: value)) else {
          throw CheckpointError(.badData, "\(source).metrics: \"\(name)\" is no number")
        }
        metrics[name] = number
      }
    }
    var hypotheses: [Hypothesis] = []
    for element in try reader.elements("hypotheses") ?? [] { hypotheses.append(try Hypothesis(element)) }
    rest = reader.rest
    try set(hypotheses)
  }

  /// Takes hypotheses. Throws `.badData` where an id is there twice, or one depends on what is not there or, through
  /// others, on itself.
  public mutating func set(_ hypotheses: [Hypothesis]) throws(CheckpointError) {
    var byID: [ByteString: Hypothesis] = [:]
    for hypothesis in hypotheses where byID.updateValue(hypothesis, forKey: hypothesis.id) != nil {
      throw CheckpointError(.badData, "hypothesis \"\(hypothesis.id)\" is there twice")
    }
    // Dependants after what they stand on (Kahn 1962); what is left over stands in a cycle.
    var open = byID.mapValues(\.dependencies.count)
    var dependants: [ByteString: [ByteString]] = [:]
    for hypothesis in hypotheses {
      for dependency in hypothesis.dependencies {
        guard byID[dependency] != nil else {
          throw CheckpointError(
            .badData, "hypothesis \"\(hypothesis.id)\" depends on \"\(dependency)\", which is not there")
        }
        dependants[dependency, default: []].append(hypothesis.id)
      }
    }
    var free = open.filter { $0.value == 0 }.map(\.key)
    var settled = 0
    while let id = free.popLast() {
      settled += 1
      for dependant in dependants[id] ?? [] {
        open[dependant, default: 0] -= 1
        if open[dependant] == 0 { free.append(dependant) }
      }
    }
    guard settled == byID.count else {
      let cyclic = open.filter { $0.value > 0 }.map(\.key).min() ?? ""
      throw CheckpointError(.badData, "hypothesis \"\(cyclic)\" depends on itself through others")
    }
    self.hypotheses = byID.values.sorted { $0.id < $1.id }
  }

  /// The state as canonical JSON.
  public var json: [UInt8] { canonical.bytes }

  var canonical: CanonicalObject {
    var object = rest
    if let workingFolder { object.set("workingFolder", workingFolder) }
    if !environment.isEmpty {
      var inner = CanonicalObject()
      for (name, value) in environment { inner.set(name, value) }
      object.set("environment", inner)
    }
    if !metrics.isEmpty {
      var inner = CanonicalObject()
      for (name, value) in metrics { inner.members[name] = value.text.bytes }
      object.set("metrics", inner)
    }
    if !hypotheses.isEmpty {
      object.members["hypotheses"] = CanonicalObject.array(hypotheses.map(\.canonical.bytes))
    }
    return object
  }

  static func tooLarge(_ count: Int) -> CheckpointError {
    CheckpointError(.tooLarge, "the state has \(count) bytes; \(CheckpointLimits.stateBytes) at most")
  }
}
