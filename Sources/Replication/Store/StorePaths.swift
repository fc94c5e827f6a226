/// Where the parts of a store are on disk.
public struct StorePaths: Hashable, Sendable {
  /// The store's folder, absolute.
  public let folder: String
  /// The git folder in it.
  public let gitFolder: String

  public init(folder: String, gitFolder: String) {
    self.folder = folder
    self.gitFolder = gitFolder
  }

  /// Private state of this installation: never committed, rebuilt without loss when deleted.
  public var privateFolder: String { gitFolder + "/crdt" }
  public var replica: String { privateFolder + "/replica" }
  public var clock: String { privateFolder + "/clock" }
  /// The same private files for each source with a name, in a folder of its own.
  public var sourcesFolder: String { privateFolder + "/sources" }
  public var lastRun: String { privateFolder + "/last-run" }
  /// What may be backed up although it looks like a secret.
  public var allowed: String { privateFolder + "/allowed" }
  public var published: String { privateFolder + "/published" }
  /// What the last verified run had seen, to tell a run with nothing to do at once.
  public var verified: String { privateFolder + "/verified" }
  public var lock: String { privateFolder + "/lock" }
  public var hookLock: String { privateFolder + "/hook.lock" }
  public var hookRequest: String { privateFolder + "/hook.request" }

  /// The folder of the default store: `CRDT_STORE`, else `$XDG_DATA_HOME/crdt-backup`, else
  /// `~/.local/share/crdt-backup`. `nil` when not even `HOME` is set.
  public static func defaultFolder(environment: [String: String]) -> String? {
    func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    if let store = value("CRDT_STORE") { return store }
    // The XDG specification says that relative paths there are to be ignored.
    if let data = value("XDG_DATA_HOME"), data.hasPrefix("/") { return data + "/crdt-backup" }
    return value("HOME").map { $0 + "/.local/share/crdt-backup" }
  }
}
