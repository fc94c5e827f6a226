import ArgumentParser
import Glibc

/// Where the merge driver is registered.
enum Scope: String, EnumerableFlag {
  /// In the repository of the current folder.
  case local
  /// For all repositories of this user.
  case global

  static func help(for value: Scope) -> ArgumentHelp? {
    switch value {
    case .local: "In the repository of the current folder: its configuration and its .gitattributes (the default)."
    case .global: "For all repositories of this user: ~/.gitconfig and the user's attributes file."
    }
  }

  /// The file that says which paths the driver merges.
  func attributesFile() throws(CommandFailure) -> String {
    switch self {
    case .local: try Git.workTreeTop() + "/.gitattributes"
    case .global: try Git.userAttributesFile()
    }
  }
}

/// `crdt-merge install`
struct InstallCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "install",
    abstract: "Register crdt-merge as git's merge driver for memory files.",
    discussion: """
      Afterwards 'git merge', 'git rebase' and 'git cherry-pick' join memory-<host>.json and unified-memory.json \
      instead of merging them as text. Running it again changes nothing; 'uninstall' takes it back.
      """)

  @Flag(exclusivity: .exclusive)
  var scope: Scope = .local

  func run() throws {
    let attributes = try scope.attributesFile()
    let executable = try Executable.path()
    let command = Executable.driverCommand(executable)
    try Git.setConfiguration(scope, "\(GitAttributes.driverSection).name", "CRDT join of memory files")
    try Git.setConfiguration(scope, "\(GitAttributes.driverSection).driver", command)
    let old = try GitAttributes.read(attributes)
    let new = GitAttributes.adding(GitAttributes.lines(scope), to: old)
    if scope == .global { try Folder.create(parentOf: attributes) }
    _ = try OutputFile.replaceIfChanged(attributes, new)
    print("merge driver crdt-memory: \(executable)")
    print("merges the files named in: \(attributes)")
  }
}

/// `crdt-merge uninstall`
struct UninstallCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "uninstall", abstract: "Take back what install did.")

  @Flag(exclusivity: .exclusive)
  var scope: Scope = .local

  func run() throws {
    let attributes = try scope.attributesFile()
    let old = try GitAttributes.read(attributes)
    let new = GitAttributes.removing(GitAttributes.lines(scope), from: old)
    // The lines first: without them git does not look for the driver.
    if new != old {
      if new.isEmpty {
        if unlink(attributes) != 0 { throw CommandFailure(writing: attributes, errno: errno) }
      } else {
        _ = try OutputFile.replaceIfChanged(attributes, new)
      }
    }
    try Git.removeConfiguration(scope, section: GitAttributes.driverSection)
    print("merge driver crdt-memory removed from \(attributes)")
  }
}

/// This very program.
enum Executable {
  static func path() throws(CommandFailure) -> String {
    guard let resolved = realpath("/proc/self/exe", nil) else {
      throw CommandFailure(CommandFailure.configuration, "cannot tell where this program is: /proc is not mounted")
    }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// The command line for `merge.<driver>.driver`: git expands `%` in it and hands it to a shell.
  static func driverCommand(_ path: String) -> String {
    var quoted = "'"
    for character in path.unicodeScalars {
      switch character {
      case "'": quoted += #"'\''"#
      case "%": quoted += "%%"
      default: quoted.unicodeScalars.append(character)
      }
    }
    return quoted + "' driver %O %A %B %P"
  }
}

enum Folder {
  /// Creates the folders above a file that are missing.
  static func create(parentOf path: String) throws(CommandFailure) {
    for (index, byte) in path.utf8.enumerated() where byte == 0x2F && index > 0 {
      let folder = String(decoding: path.utf8.prefix(index), as: UTF8.self)
      if mkdir(folder, 0o777) != 0, errno != EEXIST { throw CommandFailure(writing: folder, errno: errno) }
    }
  }
}
