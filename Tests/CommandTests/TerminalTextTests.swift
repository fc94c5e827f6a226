import CommandText
import Foundation
import TestKit
import Testing

/// What peers wrote is shown as text, whatever is in it.
@Suite struct TerminalTextTests {
  private let id = "x\u{1B}]0;title\u{07}\nVerified on /elsewhere, branch main\u{202E}\u{9B}31m\u{2028}"
  private let written = #"x\u001b]0;title\u0007\nVerified on /elsewhere, branch main\u202e\u009b31m\u2028"#

  @Test func controlCharactersOfIdsAreShownAsEscapes() throws {
    let sandbox = try Sandbox()
    let (a, b) = (sandbox.host("a"), sandbox.host("b"))
    a.remember(written, "by a")
    b.remember(written, "by b\\u001b[2J")
    #expect(try a.setUp().code == 0)
    #expect(try b.setUp().code == 0)
    #expect(try a.backup().code == 0)
    for command in [["status"], ["hosts"], ["conflicts"], ["log", id], ["forget", id, "--dry-run"], ["forget", id]] {
      let outcome = try sandbox.run(command + ["--store", a.store])
      #expect(outcome.code == 0, "\(command): \(outcome)")
      expectPlain(outcome)
      if ["conflicts", "forget"].contains(command[0]) {
        #expect(outcome.output.contains(#"x\u001b]0;title\u0007\u000aVerified on /elsewhere"#), "\(outcome)")
        #expect(outcome.output.contains(#"\u202e\u009b31m\u2028"#), "\(outcome)")
      }
    }
    let nobody = try sandbox.run(["log", "\u{1B}[2J", "--store", a.store])
    #expect(nobody.code == 66 && nobody.errorOutput.contains(#"\u001b[2J"#))
    expectPlain(nobody)
  }

  @Test func controlCharactersOfPathsAreShownAsEscapes() throws {
    let sandbox = try Sandbox()
    let outcome = try sandbox.run(["status", "--store", sandbox.folder("a\u{1B}[31m\nb")])
    #expect(outcome.code == 66 && outcome.errorLines.count == 1)
    expectPlain(outcome)
  }

  /// Nothing but text and line ends, and no line that a peer made up.
  private func expectPlain(_ outcome: Outcome) {
    let text = outcome.output + outcome.errorOutput
    for scalar in text.unicodeScalars where scalar != "\n" {
      #expect(scalar.properties.generalCategory != .control, "\(scalar.value) in \(outcome)")
      #expect(![0x202E, 0x2028].contains(scalar.value))
    }
    #expect(!text.split(separator: "\n").contains { $0.hasPrefix("Verified on /elsewhere") }, "\(outcome)")
  }
}
