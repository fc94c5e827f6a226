import CommandText
import Glibc
import Memory

/// Why the command ends without success: lines for people, and the exit code (sysexits) for programs.
struct CommandFailure: Error {
  var exitCode: Int32
  var lines: [String]

  static let badData: Int32 = 65
  static let noInput: Int32 = 66
  static let cannotCreate: Int32 = 73
  static let inputOutput: Int32 = 74
  static let noPermission: Int32 = 77
  static let configuration: Int32 = 78

  init(_ exitCode: Int32, _ line: String) {
    self.exitCode = exitCode
    self.lines = ["crdt-merge: " + line]
  }

  /// Refused bytes, as compilers report them: `file:line:column: reason`.
  init(_ error: MemoryError) {
    exitCode = CommandFailure.badData
    lines = [error.description]
  }

  /// A system call that failed on an input.
  init(reading path: String, errno code: Int32) {
    switch code {
    case ENOENT, ENOTDIR: self.init(CommandFailure.noInput, "\(path): no such file or folder")
    case EACCES, EPERM: self.init(CommandFailure.noPermission, "\(path): no permission to read it")
    default: self.init(CommandFailure.inputOutput, "\(path): cannot be read: \(CommandFailure.text(code))")
    }
  }

  /// A system call that failed on the output, which is then as it was before.
  init(writing path: String, errno code: Int32) {
    switch code {
    case EACCES, EPERM: self.init(CommandFailure.noPermission, "\(path): no permission to write it")
    case ENOENT, ENOTDIR: self.init(CommandFailure.cannotCreate, "\(path): the folder it should be in does not exist")
    case EISDIR: self.init(CommandFailure.cannotCreate, "\(path): is a folder")
    case EROFS, ELOOP, ENAMETOOLONG, EINVAL:
      self.init(CommandFailure.cannotCreate, "\(path): cannot be created: \(CommandFailure.text(code))")
    default:
      self.init(CommandFailure.inputOutput, "\(path): cannot be written: \(CommandFailure.text(code))")
    }
  }

  static func text(_ code: Int32) -> String { String(cString: strerror(code)) }

  func report() {
    // Line by line: a file's name may hold a line break.
    for line in lines { StandardStreams.writeError(TerminalText.shown(line)) }
  }
}
