/// What to run: program, arguments, environment, folder. Never through a shell.
public struct Command: Sendable, Hashable {
  /// Where the child stands towards signals and terminals.
  public enum Group: Sendable, Hashable {
    /// In our process group: it may read from the terminal, and Ctrl-C reaches it.
    case ours
    /// A process group of its own, so that all it starts can be ended with it.
    case own
    /// A session of its own: no terminal to ask on.
    case session
  }

  /// A path, or a name that is looked up in the `PATH` of `environment`.
  public var program: String
  /// Without the program's name.
  public var arguments: [String]
  public var environment: Environment
  /// The working folder; `nil`: ours.
  public var folder: String?
  public var group: Group

  public init(
    _ program: String, _ arguments: [String] = [], environment: Environment = .current, folder: String? = nil,
    group: Group = .own
  ) {
    self.program = program
    self.arguments = arguments
    self.environment = environment
    self.folder = folder
    self.group = group
  }
}
