import CSystem
import Glibc

/// Descriptors that become a child's 0, 1 and 2.
struct StandardStreams {
  var input: Int32
  var output: Int32
  var error: Int32
}

/// Starts a child through posix_spawn: default signals, nothing blocked, all other descriptors closed by their
/// close-on-exec flag. Returns its process id.
func spawn(_ command: Command, streams: StandardStreams) throws(ProcessError) -> pid_t {
  guard let path = Executable.find(command.program, in: command.environment) else {
    throw ProcessError(errno: ENOENT, program: command.program, operation: "find")
  }
  let words = [command.program] + command.arguments
  let entries = command.environment.entries
  guard !(words + entries + [command.folder ?? ""]).contains(where: { $0.utf8.contains(0) }) else {
    throw ProcessError(.invalid, program: command.program, operation: "start")
  }
  var actions = posix_spawn_file_actions_t()
  var attributes = posix_spawnattr_t()
  guard posix_spawn_file_actions_init(&actions) == 0, posix_spawnattr_init(&attributes) == 0 else {
    throw ProcessError(errno: ENOMEM, program: command.program, operation: "start")
  }
  defer {
    posix_spawn_file_actions_destroy(&actions)
    posix_spawnattr_destroy(&attributes)
  }
  var failure = posix_spawn_file_actions_adddup2(&actions, streams.input, 0)
  if failure == 0 { failure = posix_spawn_file_actions_adddup2(&actions, streams.output, 1) }
  if failure == 0 { failure = posix_spawn_file_actions_adddup2(&actions, streams.error, 2) }
  if failure == 0, let folder = command.folder {
    failure = system_spawn_add_folder(&actions, folder)
  }
  // Ours are close-on-exec; what other code of the process has open need not be.
  if failure == 0 { failure = system_spawn_add_close_from(&actions, 3) }
  if failure == 0 { failure = setAttributes(&attributes, command.group) }
  guard failure == 0 else {
    throw ProcessError(errno: failure, program: command.program, operation: "start")
  }

  var process: pid_t = 0
  failure = withArray(words) { argv in
    withArray(entries) { envp in posix_spawn(&process, path, &actions, &attributes, argv, envp) }
  }
  guard failure == 0 else {
    throw ProcessError(errno: failure, program: command.program, operation: "start")
  }
  return process
}

private func setAttributes(_ attributes: inout posix_spawnattr_t, _ group: Command.Group) -> Int32 {
  var flags = Int32(POSIX_SPAWN_SETSIGDEF) | Int32(POSIX_SPAWN_SETSIGMASK)
  switch group {
  case .ours: break
  case .own:
    flags |= Int32(POSIX_SPAWN_SETPGROUP)
    let failure = posix_spawnattr_setpgroup(&attributes, 0)
    guard failure == 0 else { return failure }
  case .session: flags |= Int32(system_spawn_new_session())
  }
  // A child of ours must not inherit that we ignore SIGPIPE or block anything.
  var defaults = sigset_t()
  sigemptyset(&defaults)
  for signal in [SIGPIPE, SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGCHLD] { sigaddset(&defaults, signal) }
  var unblocked = sigset_t()
  sigemptyset(&unblocked)
  let failure = posix_spawnattr_setsigdefault(&attributes, &defaults)
  guard failure == 0 else { return failure }
  let maskFailure = posix_spawnattr_setsigmask(&attributes, &unblocked)
  guard maskFailure == 0 else { return maskFailure }
  return posix_spawnattr_setflags(&attributes, Int16(flags))
}

/// A NULL-terminated C array of strings that lives as long as `body` runs.
private func withArray<Result>(
  _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
  let copies = strings.map { strdup($0) }
  defer { for copy in copies { free(copy) } }
  return body(copies + [nil])
}
