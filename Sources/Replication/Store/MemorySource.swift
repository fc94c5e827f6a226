import CRDT
import Memory

/// One memory of this host that is backed up: a file, and how it is treated.
public struct MemorySource: Hashable, Sendable {
  /// What it is called on every host; `nil`: the one that `--memory` names, whose entries carry no source.
  public var name: String?
  /// Absolute.
  public var memory: String
  /// Where it is not detected.
  public var format: MemoryFormat?
  /// The merged view is written back into it, and what vanishes from it is deleted everywhere.
  public var isWrittenBack: Bool

  /// The name as entries carry it.
  public var key: ByteString? { name.map { ByteString($0) } }

  public init(name: String? = nil, memory: String, format: MemoryFormat? = nil, isWrittenBack: Bool = false) {
    self.name = name
    self.memory = memory
    self.format = format
    self.isWrittenBack = isWrittenBack
  }
}

/// Which of a store's memories are meant.
public enum SourceChoice: Hashable, Sendable {
  case any
  /// The one of this name; `nil`: the one without a name.
  case one(ByteString?)

  public func contains(_ source: ByteString?) -> Bool {
    switch self {
    case .any: true
    case .one(let chosen): chosen == source
    }
  }

  /// Throws `.usage` where an id is in several memories and none was chosen.
  func settle(_ id: ByteString, among sources: some Sequence<ByteString?>) throws(ReplicationError) {
    guard self == .any else { return }
    let names = Set(sources)
    guard names.count > 1 else { return }
    let shown = names.map { $0?.description ?? "-" }.sorted()
    throw ReplicationError(
      .usage, "\(id) is in several memories: \(shown.joined(separator: ", "))",
      remedy: "Say which with --source (- is the memory without a name)")
  }
}

extension StoreSettings {
  /// The memories of this host, the one without a name first.
  public var sources: [MemorySource] {
    let unnamed = memory.map { MemorySource(memory: $0, format: format, isWrittenBack: isWrittenBack) }
    return [unnamed].compactMap(\.self) + namedSources
  }
}
