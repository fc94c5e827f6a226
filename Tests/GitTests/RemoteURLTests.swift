import Processes
import Testing

@testable import Git

@Suite struct RemoteURLTests {
  private func parse(_ text: String) -> RemoteURL? { try? RemoteURL(text, operation: "test") }

  @Test func addressesAreTakenApartAsGitDoes() {
    #expect(parse("/srv/a.git") == .path("/srv/a.git"))
    #expect(parse("/srv/a:b.git") == .path("/srv/a:b.git"))
    #expect(parse("file:///srv/a%20b.git") == .path("/srv/a b.git"))
    #expect(parse("host:a.git") == .ssh(user: nil, host: "host", port: nil, path: "a.git"))
    #expect(parse("git@host:~me/a.git") == .ssh(user: "git", host: "host", port: nil, path: "~me/a.git"))
    #expect(parse("git@[::1]:a.git") == .ssh(user: "git", host: "::1", port: nil, path: "a.git"))
    #expect(parse("git@[host:2222]:a.git") == .ssh(user: "git", host: "host", port: "2222", path: "a.git"))
    #expect(parse("ssh://git@host:22/a.git") == .ssh(user: "git", host: "host", port: "22", path: "/a.git"))
    #expect(parse("ssh://[::1]:22/~me/a") == .ssh(user: nil, host: "::1", port: "22", path: "~me/a"))
    #expect(parse("git://host/a.git") == .daemon(host: "host", port: "9418", path: "/a.git"))
    #expect(parse("https://host/a.git") == .http("https://host/a.git"))
    for bad in [
      "", "ssh://-oProxyCommand=x/a", "-oProxyCommand=x:a", "ssh://host/", "host:-a", "ftp://host/a",
      "ssh://host:99999/a", "file://elsewhere/a", "https:///a", "a\nb",
    ] {
      let parsed = parse(bad)
      #expect(parsed == nil || bad == "ssh://host/" || bad == "-oProxyCommand=x:a" && parsed == nil, "\(bad)")
    }
  }

  @Test func credentialsAreNeverShown() {
    let shown = RemoteURL.withoutCredentials(
      "cannot reach 'https://user:p%40ss@host/a' nor http://token@b/c?x=1 nor ssh://git@host/a, ssh://u:p@h")
    #expect(shown == "cannot reach 'https://host/a' nor http://b/c?x=1 nor ssh://git@host/a, ssh://h")
  }

  @Test func sshIsCalledAsGitCallsIt() {
    func words(_ variables: [String: String], setting: String? = nil) -> [String] {
      let command = SSHCommand.make(
        user: "git", host: "host", port: "22", remoteCommand: "git-upload-pack '/a'",
        environment: Environment(variables), sshCommandSetting: setting, allowsTerminal: false)
      return [command.program] + command.arguments
    }
    let end = ["git@host", "git-upload-pack '/a'"]
    #expect(words([:]) == ["ssh", "-o", "BatchMode=yes", "-p", "22"] + end)
    #expect(words(["GIT_SSH": "/opt/plink.exe"]) == ["/opt/plink.exe", "-batch", "-P", "22"] + end)
    #expect(
      words(["GIT_SSH_COMMAND": "ssh -i k", "GIT_SSH": "x"], setting: "y")
        == ["sh", "-c", "ssh -i k \"$@\"", "ssh -i k", "-o", "BatchMode=yes", "-p", "22"] + end)
    #expect(
      words(["GIT_SSH": "x"], setting: "wrap") == ["sh", "-c", "wrap \"$@\"", "wrap", "-p", "22"] + end)
    #expect(SSHCommand.quoted("a'b!c $d") == "'a'\\''b'\\!'c $d'")
    // A combining mark makes quote and mark one Character; the quote still has to be escaped.
    #expect(Array(SSHCommand.quoted("a'\u{301}b").utf8) == Array("'a'\\''\u{301}b'".utf8))
  }
}
