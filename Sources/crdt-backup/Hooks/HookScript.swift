import CommandSupport
import Memory

/// The text of a post-commit hook: what is ours in it, and what is not. Pure.
///
/// Ours is a block between two marked lines. It stands below the first line of a user's shell script, which so keeps its
/// name, its arguments and its exit code; or in a script of our own, which then runs what was there before.
enum HookScript {
  static let hookName = "post-commit"
  /// The name that a hook which is no shell script gets while ours is in its place; `-2` and so on when it is taken.
  static func beforeName(_ number: Int) -> String {
    hookName + ".before-crdt-backup" + (number == 1 ? "" : "-\(number)")
  }
  static let beforeNumbers = 1...9

  // MARK: The block

  /// A block as it was found in a file.
  struct Found {
    /// The file without the block.
    var rest: [UInt8]
    var block: [UInt8]
    /// Somebody changed the lines between the marks.
    var isEdited: Bool
  }

  /// Starts a backup of `store`. The commit does not wait, in whatever way its output is read: the job is no child of the
  /// hook's shell and holds none of its descriptors.
  static func block(executable: String, store: String) -> [UInt8] {
    let program = ShellText.quoted(executable)
    let inner = """
      # Backs up the agents' memory in the background after a commit; never delays or fails it.
      # The backup commits too, and must not start another one.
      if [ -z "${\(ThisProgram.guardVariable):-}" ] && [ -x \(program) ]; then
        ( (
          trap '' HUP
          crdt_git_dir=${GIT_DIR:-}
          for name in $(env | sed -n 's/^\\(GIT_[A-Za-z0-9_]*\\)=.*/\\1/p'); do unset "$name"; done
          \(ThisProgram.guardVariable)=1
          export \(ThisProgram.guardVariable)
          exec \(program) hook run --store \(ShellText.quoted(store)) --git-dir "$crdt_git_dir"
        ) < /dev/null > /dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- & )
      fi

      """
    let mark = self.mark(Array(inner.utf8))
    return Array("\(startMark(mark))\n\(inner)\(endMark(mark))\n".utf8)
  }

  /// The program that a block calls.
  static func program(of block: [UInt8]) -> String? {
    let test = Array("&& [ -x ".utf8)
    let starts = block.indices.dropLast(test.count)
    guard let start = starts.first(where: { block[$0..<$0 + test.count].elementsEqual(test) }) else { return nil }
    return ShellText.firstWord(String(decoding: block[(start + test.count)...], as: UTF8.self))
  }

  private static func mark(_ inner: [UInt8]) -> String { "1 " + EntryIdentity.hexDigest(of: inner).prefix(16) }
  private static let startPrefix = "# >>> crdt-backup hook "
  private static func startMark(_ mark: String) -> String { "\(startPrefix)\(mark) >>>" }
  private static func endMark(_ mark: String) -> String { "# <<< crdt-backup hook \(mark) <<<" }

  /// The block in a file; `nil` when there is none. The end mark holds a digest of what is between the marks, so that no
  /// path in the block can look like it.
  static func find(in file: [UInt8]) -> Found? {
    var start = 0
    while start < file.count {
      let end = file[start...].firstIndex(of: 0x0A).map { $0 + 1 } ?? file.count
      let line = String(decoding: file[start..<end], as: UTF8.self)
      if line.hasPrefix(startPrefix), line.hasSuffix(" >>>\n") {
        let mark = String(line.dropFirst(startPrefix.count).dropLast(5))
        let closing = Array((endMark(mark) + "\n").utf8)
        if let innerEnd = offset(of: closing, in: file, from: end) {
          let after = innerEnd + closing.count
          return Found(
            rest: Array(file[..<start] + file[after...]), block: Array(file[start..<after]),
            isEdited: self.mark(Array(file[end..<innerEnd])) != mark)
        }
      }
      start = end
    }
    return nil
  }

  /// Where a line begins.
  private static func offset(of line: [UInt8], in file: [UInt8], from start: Int) -> Int? {
    var at = start
    while at + line.count <= file.count {
      if file[at..<at + line.count].elementsEqual(line) { return at }
      guard let end = file[at...].firstIndex(of: 0x0A) else { return nil }
      at = end + 1
    }
    return nil
  }

  /// A user's shell script with the block below its first line; `nil` where the file is no shell script, or one that a
  /// line more could change.
  static func inserting(_ block: [UInt8], into file: [UInt8]) -> [UInt8]? {
    guard isShellScript(file), let end = file.firstIndex(of: 0x0A) else { return nil }
    return file[...end] + block + file[(end + 1)...]
  }

  /// Whether the first line names a shell that reads POSIX syntax, and the rest is text.
  static func isShellScript(_ file: [UInt8]) -> Bool {
    guard file.starts(with: Array("#!".utf8)), !file.contains(0), let end = file.firstIndex(of: 0x0A) else {
      return false
    }
    let words = String(decoding: file[2..<end], as: UTF8.self).split { $0 == " " || $0 == "\t" }
    func name(_ index: Int) -> String {
      index < words.count ? words[index].split(separator: "/").last.map(String.init) ?? "" : ""
    }
    let shell =
      switch name(0) {
      case "env": name(1) == "-S" ? name(2) : name(1)
      case "busybox": name(1)
      case let other: other
      }
    return ["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh"].contains(shell)
  }

  // MARK: A script of our own

  private static let header = """
    #!/bin/sh
    # Written by `crdt-backup hook install`; `crdt-backup hook uninstall` puts back what was here before.

    """

  /// - Parameter before: the name, in the same folder, of the hook that was there.
  static func script(block: [UInt8], before: String?) -> [UInt8] {
    Array(header.utf8) + block + Array(tail(before).utf8)
  }

  private static func tail(_ before: String?) -> String {
    guard let before else { return "exit 0\n" }
    return """
      # The hook that was here before has the last word. Git runs a hook only when it is executable, and so does this.
      case $0 in */*) folder=${0%/*} ;; *) folder=. ;; esac
      before=$folder/\(before)
      if [ -f "$before" ] && [ -x "$before" ]; then exec "$before" "$@"; fi
      exit 0

      """
  }

  /// Whose file it is, by what is left without the block.
  enum Owner: Equatable {
    /// A user's script with our block in it.
    case user
    /// A script of ours alone.
    case ours
    /// A script of ours that runs the hook of this name.
    case oursBefore(String)
  }

  static func owner(of rest: [UInt8]) -> Owner {
    if rest == Array((header + tail(nil)).utf8) { return .ours }
    for number in beforeNumbers where rest == Array((header + tail(beforeName(number))).utf8) {
      return .oursBefore(beforeName(number))
    }
    return .user
  }
}
