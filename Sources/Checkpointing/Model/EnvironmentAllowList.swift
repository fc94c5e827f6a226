import CRDT
import Memory

/// Which environment variables may enter a checkpoint: those named, and of these none that looks like a secret.
public struct EnvironmentAllowList: Hashable, Sendable {
  /// Compared byte for byte.
  public let names: Set<ByteString>

  /// What says where and how an agent ran, and nothing of who may do what.
  public static let standardNames: Set<ByteString> = [
    "CI", "CONDA_DEFAULT_ENV", "EDITOR", "GOOS", "GOARCH", "HOME", "HOSTNAME", "LANG", "LC_ALL", "LOGNAME", "NODE_ENV",
    "SHELL", "TERM", "TZ", "USER", "VIRTUAL_ENV",
  ]

  public init(adding more: Set<ByteString> = []) { names = EnvironmentAllowList.standardNames.union(more) }
  public init(only names: Set<ByteString>) { self.names = names }

  /// What of an environment enters, and the sorted names of allowed variables that stay out, since their name
  /// or value says that they are secret.
  ///
  /// What is not on the list leaves no trace, not even its name.
  /// - Parameter scanner: the rules that say so; names that call their value a secret stay out whatever it allows.
  public func chosen(from environment: [ByteString: ByteString], scanner: SecretScanner = SecretScanner()) -> (
    kept: [ByteString: ByteString], refused: [ByteString]
  ) {
    var kept: [ByteString: ByteString] = [:]
    var refused: [ByteString] = []
    for (name, value) in environment where names.contains(name) {
      var object = CanonicalObject()
      object.set(name, value)
      if !SecretScanner.isSecretName(name), scanner.findings(in: object.bytes).isEmpty {
        kept[name] = value
      } else {
        refused.append(name)
      }
    }
    return (kept, refused.sorted())
  }
}
