import ArgumentParser
import CommandSupport
import Git
import Memory
import Processes
import Replication

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Look for what keeps backups from working, and say what to do about each.",
    discussion: """
      Looks at the store, the remote (also as cron would see it: HOME and PATH alone), the clock, the hook of the current \
      project, the merge driver, the schedule and the programs. Exits 0 where no problem is open, else with the code of \
      the worst. --fix does what is safe: modes, damaged private state, published files, the merge driver.
      """)

  @Flag(help: "Repair what can be repaired safely, and say what was done.")
  var fix = false
  @Flag(help: "Stay off the network.")
  var offline = false
  @OptionGroup var project: ProjectOptions
  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var output: OutputOptions
  @Flag(help: .private)
  var probeRemote = false

  func run() throws {
    let console = Console(output)
    try console.run("doctor") {
      if probeRemote { return try probe() }
      let folder = try storeOptions.folder()
      let findings = examine(folder, console)
      console.endProgress()
      let code = Finding.exitCode(of: findings)
      if output.json { json(findings, folder, code, console) } else { text(findings, console) }
      return code
    }
  }

  private func examine(_ folder: String, _ console: Console) -> [Finding] {
    var findings: [Finding] = []
    var store: Store?
    do {
      console.progress("looking at the store")
      let opened = try Store.open(folder, effects: .real)
      store = opened
      findings += try opened.examine(fixing: fix)
    } catch {
      findings.append(Finding("store", error))
    }
    let machine = MachineChecks(folder: folder, store: store, isFixing: fix)
    findings += machine.programs()
    if let store, !offline {
      console.progress("asking the remote")
      let remote = remoteFindings(of: store)
      findings += remote
      // A remote that does not answer here will not answer there either.
      if !remote.contains(where: { $0.level == .problem }), let finding = machine.remoteAsCron() {
        findings.append(finding)
      }
    }
    findings += [machine.mergeDriver(), machine.hook(repo: project.repo), machine.schedule()].compactMap(\.self)
    return findings
  }

  private func remoteFindings(of store: Store) -> [Finding] {
    do {
      return try store.examineRemote(deadline: .after(seconds: min(60, store.settings.timeoutSeconds))) {
        url throws(GitError) in
        try store.repository.remote(url: url)
      }
    } catch {
      return [Finding("remote", error)]
    }
  }

  /// What the child with the bare environment does: the remote's first problem is its error.
  private func probe() throws -> Int32 {
    let store = try storeOptions.open()
    if let problem = remoteFindings(of: store).first(where: { $0.level == .problem }) {
      throw ReplicationError(problem.code, problem.message, remedy: problem.remedy)
    }
    return 0
  }

  private func text(_ findings: [Finding], _ console: Console) {
    for finding in findings {
      let mark = finding.fixed != nil ? "fixed" : finding.level.rawValue
      let line = "\(mark)\(String(repeating: " ", count: 8 - mark.count))\(finding.check): \(finding.message)"
      if finding.level == .problem, finding.fixed == nil { console.say(bold: line) } else { console.say(line) }
      if let fixed = finding.fixed {
        console.say("        \(fixed)")
      } else if finding.level != .ok, !finding.remedy.isEmpty {
        console.say("        \(finding.remedy)")
      }
    }
    let problems = findings.filter { $0.level == .problem && $0.fixed == nil }
    if output.quiet { problems.forEach { console.fail("\($0.check): \($0.message). \($0.remedy)") } }
    console.say(
      problems.isEmpty ? "No problem found" : problems.count == 1 ? "1 problem" : "\(problems.count) problems")
  }

  private func json(_ findings: [Finding], _ folder: String, _ code: Int32, _ console: Console) {
    console.object("doctor") { object in
      object.member("store", folder)
      object.array("findings") { array in
        for finding in findings {
          array.object { object in
            object.member("check", finding.check)
            object.member("level", finding.level.rawValue)
            object.member("message", finding.message)
            object.member("remedy", finding.remedy)
            object.member("fixed", finding.fixed)
            if finding.level == .problem { object.member("code", finding.code.rawValue) }
          }
        }
      }
      object.member("exitCode", Int(code))
    }
  }
}
