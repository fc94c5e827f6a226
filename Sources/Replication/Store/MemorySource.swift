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

  public init(name: String? = nil, memory: String, format: MemoryFormat? = nil, isWrittenBack: Bool = false) {
    self.name = name
    self.memory = memory
    self.format = format
    self.isWrittenBack = isWrittenBack
  }
}

extension StoreSettings {
  /// The memories of this host, the one without a name first.
  public var sources: [MemorySource] {
    let unnamed = memory.map { MemorySource(memory: $0, format: format, isWrittenBack: isWrittenBack) }
    return [unnamed].compactMap(\.self) + namedSources
  }
}
