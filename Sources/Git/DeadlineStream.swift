import CLibgit2
import Glibc
import Processes

/// The TCP socket of libgit2's http(s), replaced: libgit2 1.5 knows no timeouts, this one ends at the deadline of
/// the running call. TLS stays libgit2's, on top of it.
final class DeadlineStream {
  private let host: String
  private let port: String
  private let context: NetworkContext
  private var connection: Connection?

  private init(host: String, port: String, context: NetworkContext) {
    self.host = host
    self.port = port
    self.context = context
  }

  /// Puts it in place, for the whole process.
  static func register() -> Int32 {
    var registration = git_stream_registration()
    registration.version = GIT_STREAM_VERSION
    registration.`init` = { out, host, port in
      guard let out, let host, let port else { return -1 }
      let context =
        NetworkContext.current ?? NetworkContext(operation: "connect", deadline: .after(seconds: 60))
      let owner = DeadlineStream(host: String(cString: host), port: String(cString: port), context: context)
      let stream = UnsafeMutablePointer<crdt_stream>.allocate(capacity: 1)
      stream.initialize(to: crdt_stream())
      stream.pointee.owner = Unmanaged.passRetained(owner).toOpaque()
      stream.pointee.parent.version = GIT_STREAM_VERSION
      stream.pointee.parent.connect = { DeadlineStream.of($0).connect() }
      stream.pointee.parent.read = { DeadlineStream.of($0).read($1, $2) }
      stream.pointee.parent.write = { stream, bytes, count, _ in DeadlineStream.of(stream).write(bytes, count)
      }
      stream.pointee.parent.close = {
        DeadlineStream.of($0).connection = nil
        return 0
      }
      stream.pointee.parent.free = { DeadlineStream.free($0) }
      out.pointee = UnsafeMutableRawPointer(stream).assumingMemoryBound(to: git_stream.self)
      return 0
    }
    return git_stream_register(GIT_STREAM_STANDARD, &registration)
  }

  private static func of(_ stream: UnsafeMutablePointer<git_stream>?) -> DeadlineStream {
    let ours = UnsafeMutableRawPointer(stream!).assumingMemoryBound(to: crdt_stream.self)
    return Unmanaged<DeadlineStream>.fromOpaque(ours.pointee.owner).takeUnretainedValue()
  }

  private static func free(_ stream: UnsafeMutablePointer<git_stream>?) {
    guard let stream else { return }
    let ours = UnsafeMutableRawPointer(stream).assumingMemoryBound(to: crdt_stream.self)
    Unmanaged<DeadlineStream>.fromOpaque(ours.pointee.owner).release()
    ours.deinitialize(count: 1)
    ours.deallocate()
  }

  private func connect() -> Int32 {
    failing { () throws(GitError) in
      let socket = try TCP.connect(
        host: host, port: port, operation: context.operation, deadline: context.deadline)
      connection = SocketConnection(socket, operation: context.operation, deadline: context.deadline)
      return 0
    }
  }

  private func read(_ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    failing { () throws(GitError) in
      guard let connection, count > 0 else { return 0 }
      return try connection.read(into: UnsafeMutableRawBufferPointer(start: bytes, count: count))
    }
  }

  private func write(_ bytes: UnsafePointer<CChar>?, _ count: Int) -> Int {
    failing { () throws(GitError) in
      guard let connection else { return -1 }
      try connection.write(UnsafeRawBufferPointer(start: bytes, count: count))
      return count
    }
  }

  private func failing<Number: FixedWidthInteger>(_ body: () throws(GitError) -> Number) -> Number {
    do throws(GitError) {
      return try body()
    } catch {
      context.record(error)
      git_error_set_str(Int32(GIT_ERROR_NET.rawValue), error.message)
      return 0 &- 1
    }
  }
}
