import Glibc
import Processes

/// `git http-backend` behind a small python3 server on a free loopback port; with basic authentication or TLS
/// (a throwaway CA) when asked.
public final class HTTPServer {
  private let folder = TemporaryFolder("crdt-http")
  private let process: ServerProcess
  public let port: UInt16
  private let scheme: String
  // The TLS library below libgit2 compares names only, not addresses.
  private var host: String { scheme == "https" ? "localhost" : "127.0.0.1" }
  /// The certificate that vouches for the server; for `http.sslCAInfo`.
  public let authorityFile: String?

  /// Serves the repositories below `root`. Needs `python3`, git's http-backend, and `openssl` for TLS. With
  /// `status` every request is answered with that status.
  public init(root: String, user: String? = nil, password: String = "", tls: Bool = false, status: Int? = nil)
    throws
  {
    folder.write("server.py", Self.program)
    var arguments = [folder("server.py"), "--root", root]
    if let user { arguments += ["--user", user, "--password", password] }
    if let status { arguments += ["--status", String(status)] }
    if tls {
      try Self.makeCertificates(folder)
      arguments += ["--certificate", folder("server.pem"), "--key", folder("server.key")]
    }
    authorityFile = tls ? folder("ca.pem") : nil
    scheme = tls ? "https" : "http"
    process = try ServerProcess(
      Command("python3", arguments, environment: GitProgram.environment(home: folder.path)))
    let line = try process.firstLine(deadline: .after(seconds: 30))
    guard let number = UInt16(line) else { throw ServerProcess.Failure("odd first line \(line)") }
    port = number
  }

  /// The URL of a repository below the root; `userInfo` such as `name:password`.
  public func url(_ path: String, userInfo: String? = nil) -> String {
    "\(scheme)://\(userInfo.map { $0 + "@" } ?? "")\(host):\(port)/\(path)"
  }

  /// Whether git's http-backend is installed.
  public static var isAvailable: Bool {
    let result = try? Command("git", ["--exec-path"]).run(deadline: .after(seconds: 10))
    return result.map { access($0.outputText + "/git-http-backend", X_OK) == 0 } ?? false
  }

  private static func makeCertificates(_ folder: TemporaryFolder) throws {
    folder.write("san", "subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:FALSE\n")
    func openssl(_ arguments: [String]) throws {
      let result = try Command("openssl", arguments, folder: folder.path).run(deadline: .after(seconds: 30))
      guard result.termination.isSuccess else { throw ServerProcess.Failure(result.errorText) }
    }
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    try openssl(
      ["req", "-x509", "-days", "2", "-subj", "/CN=crdt test CA", "-keyout", "ca.key", "-out", "ca.pem"] + key
    )
    try openssl(["req", "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr"] + key)
    try openssl([
      "x509", "-req", "-days", "2", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
      "-CAcreateserial", "-extfile", "san", "-out", "server.pem",
    ])
  }

  private static let program = #"""
    import argparse, base64, http.server, os, ssl, subprocess, sys, threading
    parser = argparse.ArgumentParser()
    for name in ("root", "user", "password", "certificate", "key"):
        parser.add_argument("--" + name)
    parser.add_argument("--status", type=int)
    options = parser.parse_args()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def log_message(self, *_): pass
        def body(self):
            if "chunked" in self.headers.get("Transfer-Encoding", ""):
                data = b""
                while True:
                    size = int(self.rfile.readline().split(b";")[0], 16)
                    data += self.rfile.read(size)
                    self.rfile.readline()
                    if size == 0: return data
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        def answer(self, status, headers, data):
            self.send_response(status)
            for name, value in headers: self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        def handle_any(self):
            data = self.body()
            if options.status: return self.answer(options.status, [], b"")
            user = None
            if options.user is not None:
                wanted = base64.b64encode(f"{options.user}:{options.password}".encode()).decode()
                if self.headers.get("Authorization") != "Basic " + wanted:
                    return self.answer(401, [("WWW-Authenticate", 'Basic realm="test"')], b"")
                user = options.user
            path, _, query = self.path.partition("?")
            environment = dict(
                os.environ, GIT_PROJECT_ROOT=options.root, GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path,
                REMOTE_USER=user or "anonymous", REMOTE_ADDR="127.0.0.1", QUERY_STRING=query,
                REQUEST_METHOD=self.command, CONTENT_TYPE=self.headers.get("Content-Type", ""),
                CONTENT_LENGTH=str(len(data)))
            result = subprocess.run(
                ["git", "http-backend"], input=data, env=environment, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL)
            head, _, rest = result.stdout.partition(b"\r\n\r\n")
            status, headers = 200, []
            for line in head.decode().split("\r\n"):
                name, _, value = line.partition(": ")
                if name == "Status": status = int(value.split()[0])
                elif name: headers.append((name, value))
            self.answer(status, headers, rest)
        do_GET = do_POST = handle_any

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate, options.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_address[1], flush=True)
    def end_with_parent():
        sys.stdin.buffer.read()
        os._exit(0)
    threading.Thread(target=end_with_parent, daemon=True).start()
    server.serve_forever()
    """#
}
