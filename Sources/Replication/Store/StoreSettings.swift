import CRDT
import Git
import Memory

/// The settings of a store, kept in its git config under `crdt.*`, so that `git config` shows and changes them.
public struct StoreSettings: Hashable, Sendable {
  /// The name this host writes under.
  public var host: HostName?
  /// The plain name that was asked for, where the host had to take another.
  public var requestedHost: HostName?
  /// The memory file, absolute.
  public var memory: String?
  /// The memory file's format where it is not detected.
  public var format: MemoryFormat?
  /// The merged view is written back into the memory file.
  public var isWrittenBack = false
  /// Further memories, by name.
  public var namedSources: [MemorySource] = []
  /// A file of further rules for secrets, absolute or from the store's folder; `nil`: `.crdt-secrets` there, if any.
  public var secrets: String?
  /// The remote's URL or absolute path.
  public var remote: String?
  public var branch = "main"
  /// Whether the branch was named, and is not just the default.
  public var isBranchChosen = false
  /// How far a foreign stamp may be ahead before the clock ignores it.
  public var maxDriftSeconds: Int64 = 300
  /// How long one run may spend on the remote, retries included.
  public var timeoutSeconds: Double = 120
  /// How long a run waits for another one on the same store.
  public var lockWaitSeconds: Double = 60
  /// After how many days without a stamp `status` calls a host silent.
  public var silentDays: Int64 = 14

  public init() {}

  /// The keys, as `git config` shows them.
  package enum Key {
    static let host = "crdt.host"
    static let requestedHost = "crdt.requestedHost"
    static let memory = "crdt.memory"
    static let format = "crdt.format"
    static let sources = "crdt.sources"
    static func source(_ name: String, _ key: String) -> String { "crdt.source.\(name).\(key)" }
    static let writeBack = "crdt.writeBack"
    static let remote = "crdt.remote"
    static let secrets = "crdt.secrets"
    static let branch = "crdt.branch"
    static let maxDrift = "crdt.maxDrift"
    static let timeout = "crdt.timeout"
    static let lockWait = "crdt.lockWait"
    static let silentDays = "crdt.silentDays"
  }

  /// Reads the settings. Throws `.configuration` naming the key whose value makes no sense.
  static func read(from repository: any Repository) throws(ReplicationError) -> StoreSettings {
    func value(_ key: String) throws(ReplicationError) -> String? {
      let text = try replicating { () throws(GitError) in try repository.setting(key) }
      return text.flatMap { $0.isEmpty ? nil : $0 }
    }
    func seconds(_ key: String, orElse fallback: Double) throws(ReplicationError) -> Double {
      guard let text = try value(key) else { return fallback }
      guard let seconds = StoreSettings.seconds(text) else {
        throw ReplicationError(
          .configuration, "\(key) is \"\(text)\", which is no length of time",
          remedy: "Write seconds, or a number with s, m, h or d, such as 5m")
      }
      return seconds
    }
    func hostName(_ key: String) throws(ReplicationError) -> HostName? {
      guard let text = try value(key) else { return nil }
      guard let host = HostName(text) else {
        throw ReplicationError(
          .configuration, "\(key) is \"\(text)\", which is no host name",
          remedy: "A host name is 1 to 63 of a-z, 0-9, . and -, and starts with a letter or digit")
      }
      return host
    }
    func flag(_ key: String) throws(ReplicationError) -> Bool {
      guard let text = try value(key) else { return false }
      switch text.lowercased() {
      case "true", "yes", "on", "1": return true
      case "false", "no", "off", "0": return false
      default:
        throw ReplicationError(
          .configuration, "\(key) is \"\(text)\", which is neither true nor false", remedy: "Write true or false")
      }
    }
    func format(_ key: String) throws(ReplicationError) -> MemoryFormat? {
      guard let text = try value(key) else { return nil }
      guard let format = MemoryFormat(rawValue: text) else {
        throw ReplicationError(
          .configuration, "\(key) is \"\(text)\", which is no format",
          remedy: "Formats: " + MemoryFormat.allCases.map(\.rawValue).joined(separator: ", "))
      }
      return format
    }
    var settings = StoreSettings()
    settings.host = try hostName(Key.host)
    settings.requestedHost = try hostName(Key.requestedHost)
    settings.memory = try value(Key.memory)
    settings.format = try format(Key.format)
    settings.isWrittenBack = try flag(Key.writeBack)
    for name in (try value(Key.sources) ?? "").split(separator: " ").map(String.init) {
      guard HostName(name) != nil, let memory = try value(Key.source(name, "memory")) else {
        throw ReplicationError(
          .configuration, "\(Key.sources) names \"\(name)\", and \(Key.source(name, "memory")) is not set",
          remedy: "Set it again with: crdt-backup source add \(name) --memory PATH")
      }
      settings.namedSources.append(
        MemorySource(
          name: name, memory: memory, format: try format(Key.source(name, "format")),
          isWrittenBack: try flag(Key.source(name, "writeBack"))))
    }
    settings.remote = try value(Key.remote)
    settings.secrets = try value(Key.secrets)
    if let branch = try value(Key.branch) {
      settings.branch = branch
      settings.isBranchChosen = true
    }
    settings.maxDriftSeconds = Int64(try seconds(Key.maxDrift, orElse: 300))
    settings.timeoutSeconds = try seconds(Key.timeout, orElse: settings.timeoutSeconds)
    settings.lockWaitSeconds = try seconds(Key.lockWait, orElse: settings.lockWaitSeconds)
    if let days = try value(Key.silentDays).flatMap({ Int64($0) }), days > 0 { settings.silentDays = days }
    return settings
  }

  /// `90`, `90s`, `5m`, `2h`, `1d` as seconds; `nil` for anything else or beyond a year.
  package static func seconds(_ text: String) -> Double? {
    let factors: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
    var number = text[...]
    var factor = 1.0
    if let last = number.last, let known = factors[last] {
      factor = known
      number.removeLast()
    }
    guard let value = Double(number), value >= 0, value.isFinite, value * factor <= 366 * 86_400 else { return nil }
    return value * factor
  }
}
