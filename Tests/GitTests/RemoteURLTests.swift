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
    #expect(shown == "cannot reach 'https://host/a' nor http://b/c?x=*** nor ssh://git@host/a, ssh://h")
    for (text, shown) in [
      ("https://h/x?token=abc&y=1", "https://h/x?token=***&y=***"),
      ("https://h/x?abc#def", "https://h/x?***&***"),
      ("at https://h/x?token=abc: refused", "at https://h/x?token=*** refused"),
      ("https://user:pa/ss@host/x", "https://host/x"),
      ("https://user:pa?s#s@host/x", "https://host/x"),
      ("https://user:p@ss@host/x", "https://host/x"),
      ("'https://user:pa'ss@host/x': no", "'https://host/x': no"),
      ("'https://t@a/x','https://t@b/x'", "'https://a/x','https://b/x'"),
      ("(HTTPS://t@a/x)", "(HTTPS://a/x)"),
      ("user:pass@host:x.git", "user@host:x.git"),
      ("no way to 'user:p/a@ss@host:x'", "no way to 'user@host:x'"),
      ("ssh://user:pa/ss@host/x", "ssh://host/x"),
      ("git+ssh://user:pass@host/x", "git+ssh://host/x"),
      // What holds no secret stays.
      ("git@host:a@b/c:d", "git@host:a@b/c:d"), ("ssh://git@host:22/a@b", "ssh://git@host:22/a@b"),
      ("file:///srv/a@b?c=d", "file:///srv/a@b?c=d"), ("/srv/a:b@c:d", "/srv/a:b@c:d"),
      ("one\n two  three: 12:30", "one\n two  three: 12:30"), ("ssh://[::1]:22/x@y", "ssh://[::1]:22/x@y"),
    ] {
      #expect(RemoteURL.withoutCredentials(text) == shown)
    }
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
    #expect(words(["GIT_SSH": "tools/plink.exe"]) == ["tools/plink.exe", "-batch", "-P", "22"] + end)
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
