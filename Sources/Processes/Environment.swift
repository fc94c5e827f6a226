import CSystem
import Glibc

/// Environment variables for a child process. A value type: changing it changes no process.
public struct Environment: Sendable, Hashable {
  public var variables: [String: String]

  public init(_ variables: [String: String] = [:]) { self.variables = variables }

  /// A copy of this process's environment. Variables that are not UTF-8 are left out.
  public static var current: Environment {
    var variables: [String: String] = [:]
    guard var entry = system_environment() else { return Environment() }
    while let text = entry.pointee {
      if let line = String(validatingCString: text), let equals = line.firstIndex(of: "=") {
        variables[String(line[..<equals])] = String(line[line.index(after: equals)...])
      }
      entry += 1
    }
    return Environment(variables)
  }

  public subscript(name: String) -> String? {
    get { variables[name] }
    set { variables[name] = newValue }
  }

  /// Without any `GIT_*` variable: what git sets for a hook would point our child at the user's repository.
  public var withoutGit: Environment {
    Environment(variables.filter { !$0.key.hasPrefix("GIT_") })
  }

  /// `NAME=value`, sorted, as a process gets them.
  var entries: [String] {
    variables.filter { !$0.key.isEmpty && !$0.key.contains("=") }.map { "\($0.key)=\($0.value)" }.sorted()
  }
}

/// Finding programs.
public enum Executable {
  /// The path of a program: `name` itself when it holds a slash, else the first executable regular file of that
  /// name in the folders of `PATH` (a standard one when unset). `nil` when there is none.
  public static func find(_ name: String, in environment: Environment = .current) -> String? {
    if name.utf8.contains(0x2F) { return isExecutable(name) ? name : nil }
    guard !name.isEmpty else { return nil }
    let path = environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
    for folder in path.split(separator: ":", omittingEmptySubsequences: true) {
      let candidate = folder + "/" + name
      if isExecutable(candidate) { return candidate }
    }
    return nil
  }

  private static func isExecutable(_ path: String) -> Bool {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
    return access(path, X_OK) == 0
  }
}
