import Glibc
import Processes
import Synchronization

/// Connecting to a host with a deadline.
enum TCP {
  /// A connected, non-blocking socket to the first address that answers. Throws `.unreachable` or `.timedOut`.
  static func connect(host: String, port: String, operation: String, deadline: Deadline) throws(GitError)
    -> FileDescriptor
  {
    let addresses = try Resolver.resolve(host, port, operation: operation, deadline: deadline)
    var last = "no address"
    for address in addresses {
      if deadline.hasPassed { throw Connection.timedOut(operation) }
      let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
      let number = socket(address.family, kind, 0)
      guard number >= 0 else {
        last = errorText(errno)
        continue
      }
      let descriptor = FileDescriptor(adopting: number)
      let failure = open(descriptor.number, address, deadline)
      if failure == 0 {
        var on: Int32 = 1
        _ = setsockopt(number, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
        _ = setsockopt(number, SOL_SOCKET, SO_KEEPALIVE, &on, 4)
        return descriptor
      }
      last = errorText(failure)
      if deadline.hasPassed { throw Connection.timedOut(operation) }
    }
    throw GitError(
      .unreachable, operation: operation, message: "cannot connect to \(host) port \(port): \(last)",
      isRetryable: true)
  }

  private static func open(_ number: Int32, _ address: Address, _ deadline: Deadline) -> Int32 {
    let result = address.bytes.withUnsafeBytes {
      Glibc.connect(number, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t($0.count))
    }
    if result == 0 { return 0 }
    guard errno == EINPROGRESS || errno == EINTR else { return errno }
    while true {
      var polled = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
      let ready = poll(&polled, 1, deadline.remainingMilliseconds)
      if ready == 0 { return ETIMEDOUT }
      if ready < 0 && errno != EINTR { return errno }
      if ready < 0 { continue }
      var failure: Int32 = 0
      var size = socklen_t(4)
      guard getsockopt(number, SOL_SOCKET, SO_ERROR, &failure, &size) == 0 else { return errno }
      return failure
    }
  }
}

/// One address of a host: a sockaddr as bytes.
struct Address: Sendable {
  var family: Int32
  var bytes: [UInt8]
}

/// Name resolution with a deadline. `getaddrinfo` knows none, so it runs on a thread of its own that is left behind
/// when it is too late; it touches nothing but its own box.
final class Resolver: Sendable {
  private let host: String
  private let port: String
  private let wake: DescriptorPair
  private let result = Mutex<(code: Int32, addresses: [Address])>((EAI_SYSTEM, []))

  private init(_ host: String, _ port: String, wake: consuming DescriptorPair) {
    self.host = host
    self.port = port
    self.wake = wake
  }

  static func resolve(_ host: String, _ port: String, operation: String, deadline: Deadline) throws(GitError)
    -> [Address]
  {
    let numeric = lookUp(host, port, flags: AI_NUMERICHOST)
    if numeric.code == 0 { return numeric.addresses }
    let pair: DescriptorPair
    do throws(ProcessError) {
      pair = try DescriptorPair.socket()
    } catch {
      throw GitError(.other, operation: operation, message: error.description, isRetryable: true)
    }
    let resolver = Resolver(host, port, wake: pair)
    var thread = pthread_t()
    let started = pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<Resolver>.fromOpaque(argument).takeRetainedValue().run() }
        return nil
      }, Unmanaged.passRetained(resolver).toOpaque())
    guard started == 0 else {
      Unmanaged.passUnretained(resolver).release()
      throw GitError(.other, operation: operation, message: errorText(started), isRetryable: true)
    }
    pthread_detach(thread)
    var polled = pollfd(fd: resolver.wake.ours.number, events: Int16(POLLIN), revents: 0)
    while true {
      let ready = poll(&polled, 1, deadline.remainingMilliseconds)
      if ready > 0 { break }
      if deadline.hasPassed { throw Connection.timedOut(operation) }
    }
    let found = resolver.result.withLock { $0 }
    guard found.code == 0 else {
      let why = gai_strerror(found.code).map { String(cString: $0) } ?? "unknown"
      throw GitError(
        .unreachable, operation: operation, message: "cannot resolve host \(host): \(why)",
        isRetryable: true)
    }
    return found.addresses
  }

  private func run() {
    let found = Self.lookUp(host, port, flags: 0)
    result.withLock { $0 = found }
    _ = send(wake.theirs.number, [1], 1, Int32(MSG_NOSIGNAL))
  }

  private static func lookUp(_ host: String, _ port: String, flags: Int32) -> (
    code: Int32, addresses: [Address]
  ) {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = flags
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, port, &hints, &list)
    guard code == 0 else { return (code, []) }
    defer { freeaddrinfo(list) }
    var addresses: [Address] = []
    var next = list
    while let entry = next {
      if let address = entry.pointee.ai_addr {
        let bytes = UnsafeRawBufferPointer(start: address, count: Int(entry.pointee.ai_addrlen))
        addresses.append(Address(family: entry.pointee.ai_family, bytes: Array(bytes)))
      }
      next = entry.pointee.ai_next
    }
    return (0, addresses)
  }
}
