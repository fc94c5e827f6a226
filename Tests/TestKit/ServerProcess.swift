import Glibc
import Processes

/// A server in a child process; it ends, with its process group, when the value goes.
public final class ServerProcess {
  private var child: ChildProcess

  init(_ command: Command) throws { child = try ChildProcess(command) }

  deinit { child.terminate(graceSeconds: 1) }

  /// The first line it writes to its standard output.
  func firstLine(deadline: Deadline) throws -> String {
    var line: [UInt8] = []
    while true {
      var polled = pollfd(fd: child.connection.number, events: Int16(POLLIN), revents: 0)
      guard poll(&polled, 1, deadline.remainingMilliseconds) > 0 else { throw Failure("no first line") }
      var byte: UInt8 = 0
      guard recv(child.connection.number, &byte, 1, 0) == 1 else { throw Failure("it ended: \(errorText)") }
      if byte == 0x0A { return String(decoding: line, as: UTF8.self) }
      line.append(byte)
    }
  }

  /// Waits until the port on loopback accepts connections.
  func waitUntilListening(port: UInt16, deadline: Deadline) throws {
    while !deadline.hasPassed {
      if Loopback.accepts(port: port) { return }
      if let ended = child.wait(until: .after(seconds: 0.02)) {
        throw Failure("it ended (\(ended)): \(errorText)")
      }
    }
    throw Failure("port \(port) does not answer")
  }

  private var errorText: String {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let got = read(child.errors.number, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, got)), as: UTF8.self)
  }

  struct Failure: Error, CustomStringConvertible {
    var description: String
    init(_ what: String) { description = "test server: \(what)" }
  }
}

/// Ports on 127.0.0.1.
public enum Loopback {
  /// A port that was free a moment ago.
  public static func freePort() -> UInt16 { SilentServer().port }

  static func accepts(port: UInt16) -> Bool {
    let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { close(number) }
    return withAddress(port) { connect(number, $0, $1) } == 0
  }

  fileprivate static func withAddress<Result>(
    _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }
}

/// Accepts connections (the kernel does) and never says a word.
public final class SilentServer: Sendable {
  private let number: Int32
  public let port: UInt16

  public init() {
    let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    let listening = Loopback.withAddress(0) { bind(number, $0, $1) } == 0 && listen(number, 16) == 0
    var address = sockaddr_in()
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let named = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(number, $0, &size) }
    }
    guard listening, named == 0 else { fatalError("no port on loopback: \(errno)") }
    self.number = number
    port = UInt16(bigEndian: address.sin_port)
  }

  deinit { close(number) }
}
