import Foundation
import Processes
import TestKit
import Testing

@testable import crdt_backup

@Suite("hook: goes in beside what is there, and out again")
struct HookInstallTests {
  private func hook(_ scene: HookScene) -> String { scene.project + "/.git/hooks/post-commit" }

  /// As git does: from the top of the work tree, by its relative path.
  private func runHook(_ scene: HookScene, _ arguments: [String], expecting status: Int32 = 0) throws {
    try scene.run(
      "/bin/sh", ["-c", "exec .git/hooks/post-commit \"$@\"", "sh"] + arguments, in: scene.project, expecting: status)
  }

  @Test("installing again changes nothing; uninstalling leaves nothing")
  func idempotent() throws {
    let scene = try HookScene()
    let before = try FileManager.default.contentsOfDirectory(atPath: scene.project + "/.git/hooks").sorted()
    try scene.backup("hook", "install", "--repo", scene.project, "--store", scene.store)
    let first = scene.read(hook(scene))
    #expect(scene.mode(hook(scene)) == 0o755)
    let again = try scene.backup("hook", "install", "--repo", scene.project, "--store", scene.store)
    #expect(again.outputText.contains("Nothing to do"))
    #expect(scene.read(hook(scene)) == first)
    try scene.backup("hook", "uninstall", "--repo", scene.project)
    try scene.backup("hook", "uninstall", "--repo", scene.project)
    #expect(try FileManager.default.contentsOfDirectory(atPath: scene.project + "/.git/hooks").sorted() == before)
  }

  @Test("a shell script keeps name, arguments and exit code, and comes back byte for byte")
  func shellScript() throws {
    let scene = try HookScene()
    let text = "#!/bin/sh -eu\nprintf '%s|' \"$0\" \"$@\" > '\(scene.root)/args'\nexit 3"
    try scene.write(hook(scene), text, mode: 0o750)
    try scene.backup("hook", "install", "--repo", scene.project, "--store", scene.store)
    #expect(scene.mode(hook(scene)) == 0o750)
    try runHook(scene, ["a", "b c"], expecting: 3)
    #expect(scene.read(scene.root + "/args") == ".git/hooks/post-commit|a|b c|")
    try scene.remember("second")
    try scene.commit()
    try scene.eventually("the backup reaches the remote") { scene.remoteHolds("second") }
    try scene.backup("hook", "uninstall", "--repo", scene.project)
    #expect(scene.read(hook(scene)) == text)
    #expect(scene.mode(hook(scene)) == 0o750)
  }

  @Test("a hook in another language keeps running behind ours, and comes back")
  func otherLanguage() throws {
    let scene = try HookScene()
    let text = "#!/usr/bin/awk -f\nBEGIN { print ARGV[1] > \"\(scene.root)/args\"; exit 5 }"
    try scene.write(hook(scene), text, mode: 0o711)
    try scene.backup("hook", "install", "--repo", scene.project, "--store", scene.store)
    let status = try scene.backup("hook", "status", "--repo", scene.project, "--store", scene.store)
    #expect(status.outputText.contains("post-commit.before-crdt-backup"))
    try runHook(scene, ["one"], expecting: 5)
    #expect(scene.read(scene.root + "/args") == "one\n")
    try scene.backup("hook", "uninstall", "--repo", scene.project)
    #expect(scene.read(hook(scene)) == text)
    #expect(scene.mode(hook(scene)) == 0o711)
    #expect(!FileManager.default.fileExists(atPath: hook(scene) + ".before-crdt-backup"))
  }

  @Test("a link stays a link, and its target is not touched")
  func link() throws {
    let scene = try HookScene()
    let script = scene.project + "/scripts/hook.sh"
    let text = "#!/bin/sh\nexit 7\n"
    try scene.write(script, text, mode: 0o755)
    try FileManager.default.createSymbolicLink(atPath: hook(scene), withDestinationPath: "../../scripts/hook.sh")
    try scene.backup("hook", "install", "--repo", scene.project, "--store", scene.store)
    #expect(scene.read(script) == text)
    try runHook(scene, [], expecting: 7)
    try scene.backup("hook", "uninstall", "--repo", scene.project)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: hook(scene)) == "../../scripts/hook.sh")
    #expect(scene.read(script) == text)
  }

  @Test("a hook that is not executable stays asleep")
  func notExecutable() throws {
    let scene = try HookScene()
    try scene.write(hook(scene), "#!/bin/sh\ntouch '\(scene.root)/ran'\n", mode: 0o644)
    try scene.backup("hook", "install", "--repo", scene.project, "--store", scene.store)
    try runHook(scene, [])
    #expect(!FileManager.default.fileExists(atPath: scene.root + "/ran"))
    try scene.backup("hook", "uninstall", "--repo", scene.project)
    #expect(scene.mode(hook(scene)) == 0o644)
  }

  @Test("edits of our lines are kept in a copy")
  func editedBlock() throws {
    let scene = try HookScene()
    try scene.backup("hook", "install", "--repo", scene.project, "--store", scene.store)
    let edited = (scene.read(hook(scene)) ?? "").replacingOccurrences(of: "trap '' HUP", with: "trap '' HUP TERM")
    try scene.write(hook(scene), edited, mode: 0o755)
    try scene.backup("hook", "uninstall", "--repo", scene.project)
    #expect(scene.read(hook(scene) + ".edited-crdt-backup") == edited)
    #expect(!FileManager.default.fileExists(atPath: hook(scene)))
  }

  @Test(
    "core.hooksPath is where it goes, relative to the work tree or to the home", arguments: [".githooks", "~/hooks"])
  func hooksPath(value: String) throws {
    let scene = try HookScene()
    try scene.git("config", "core.hooksPath", value)
    try FileManager.default.createDirectory(atPath: scene.project + "/sub", withIntermediateDirectories: true)
    try scene.backup("hook", "install", "--repo", scene.project + "/sub", "--store", scene.store)
    let folder = value.hasPrefix("~") ? scene.home + "/hooks" : scene.project + "/" + value
    #expect(scene.read(folder + "/post-commit") != nil)
    try scene.remember("second")
    try scene.commit()
    try scene.eventually("the backup reaches the remote") { scene.remoteHolds("second") }
  }

  @Test("core.hooksPath beside the work tree is not in it, also over a link")
  func hooksPathWithParent() throws {
    let scene = try HookScene()
    try FileManager.default.createDirectory(atPath: scene.root + "/far/inner", withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: scene.project + "/link", withDestinationPath: scene.root + "/far/inner")
    for (value, folder, isInside) in [
      ("../hp", "/hp", false), ("link/.././hp", "/far/hp", false), ("a/../b", "/project/b", true),
      (scene.project + "/../abs", "/abs", false),
    ] {
      try scene.git("config", "core.hooksPath", value)
      let result = try scene.backup("hook", "install", "--store", scene.store, in: scene.project)
      #expect(scene.read(scene.root + folder + "/post-commit") != nil, "\(value)")
      #expect(result.outputText.contains("\(scene.root)\(folder)/post-commit"), "\(value): \(result.outputText)")
      #expect(result.errorText.contains("is in the work tree") == isInside, "\(value): \(result.errorText)")
      try scene.backup("hook", "uninstall", in: scene.project)
    }
  }

  @Test("a hook that core.hooksPath has cut off is named, and a folder that is none is refused")
  func unreachable() throws {
    let scene = try HookScene()
    try scene.backup("hook", "install", "--repo", scene.project, "--store", scene.store)
    try scene.git("config", "--global", "core.hooksPath", scene.home + "/elsewhere")
    let status = try scene.backup("hook", "status", "--json", "--repo", scene.project, "--store", scene.store)
    #expect(status.outputText.contains("\"unreachable\":true"))
    #expect(status.outputText.contains("\"active\":false"))
    try scene.git("config", "--global", "core.hooksPath", "/dev/null")
    try scene.backup("hook", "install", "--repo", scene.project, "--store", scene.store, expecting: 78)
    try scene.backup("hook", "uninstall", "--repo", scene.project)
    #expect(!FileManager.default.fileExists(atPath: hook(scene)))
  }

  @Test("a hook whose program has moved is named, and renewed by installing again")
  func movedProgram() throws {
    let scene = try HookScene()
    let old = HookScript.block(executable: scene.root + "/it's%% gone", store: scene.store)
    try scene.write(
      hook(scene), String(decoding: HookScript.script(block: old, before: nil), as: UTF8.self), mode: 0o755)
    let status = try scene.backup("hook", "status", "--json", "--repo", scene.project, "--store", scene.store)
    #expect(status.outputText.contains("\"active\":false"))
    #expect(status.outputText.contains("it's%% gone, which is not there"))
    try scene.backup("hook", "install", "--repo", scene.project, "--store", scene.store)
    let renewed = try scene.backup("hook", "status", "--json", "--repo", scene.project, "--store", scene.store)
    #expect(renewed.outputText.contains("\"active\":true"))
    #expect(renewed.outputText.contains("\"warnings\":[]"))
  }

  @Test("a worktree and a submodule have the hook where git looks for theirs")
  func worktreeAndSubmodule() throws {
    let scene = try HookScene()
    try scene.commit()
    try scene.git("worktree", "add", "-q", "../tree", "-b", "side")
    try scene.backup("hook", "install", "--repo", scene.root + "/tree", "--store", scene.store)
    #expect(scene.read(hook(scene)) != nil)
    try scene.remember("second")
    try scene.commit(in: scene.root + "/tree")
    try scene.eventually("the backup reaches the remote") { scene.remoteHolds("second") }

    try scene.git("init", "-q", "../library")
    try scene.commit(in: scene.root + "/library")
    try scene.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../library", "library")
    try scene.backup("hook", "install", "--repo", scene.project + "/library", "--store", scene.store)
    #expect(scene.read(scene.project + "/.git/modules/library/hooks/post-commit") != nil)
  }

  @Test("a bare repository, a folder without one, and a missing store are refused in one line")
  func refused() throws {
    let scene = try HookScene()
    let bare = try scene.backup("hook", "install", "--repo", scene.remote, "--store", scene.store, expecting: 78)
    #expect(bare.errorText.contains("bare"))
    #expect(bare.errorText.split(separator: "\n").count == 1)
    try scene.backup("hook", "install", "--repo", scene.home, "--store", scene.store, expecting: 66)
    try scene.backup("hook", "install", "--repo", scene.project, "--store", scene.root + "/none", expecting: 66)
  }
}
