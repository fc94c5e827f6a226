import CLibgit2
import Processes

/// Our connection below libgit2's smart protocol: libgit2 speaks git, this moves the bytes.
///
/// A "subtransport" in libgit2's words, persistent (not request/response). One action opens the connection; the
/// later ones of the same direction go on using it.
final class SmartChannel {
  private let session: RemoteSession
  private var connection: Connection?
  private var stream: UnsafeMutablePointer<crdt_subtransport_stream>?

  private init(_ session: RemoteSession) { self.session = session }

  /// Makes the smart transport of `remote` speak through a channel; the payload is the ``RemoteSession``.
  static let makeTransport: git_transport_cb = { out, remote, payload in
    var definition = git_smart_subtransport_definition()
    definition.callback = { out, _, session in SmartChannel.make(out, session) }
    definition.rpc = 0
    definition.param = payload
    return git_transport_smart(out, remote, &definition)
  }

  private static func make(
    _ out: UnsafeMutablePointer<UnsafeMutablePointer<git_smart_subtransport>?>?,
    _ session: UnsafeMutableRawPointer?
  ) -> Int32 {
    guard let out, let session else { return -1 }
    let channel = SmartChannel(Unmanaged<RemoteSession>.fromOpaque(session).takeUnretainedValue())
    let transport = UnsafeMutablePointer<crdt_subtransport>.allocate(capacity: 1)
    transport.initialize(to: crdt_subtransport())
    transport.pointee.owner = Unmanaged.passRetained(channel).toOpaque()
    transport.pointee.parent.action = { out, transport, _, service in
      SmartChannel.of(transport).act(out, transport, service)
    }
    transport.pointee.parent.close = {
      SmartChannel.of($0).close()
      return 0
    }
    transport.pointee.parent.free = { SmartChannel.free($0) }
    out.pointee = UnsafeMutableRawPointer(transport).assumingMemoryBound(to: git_smart_subtransport.self)
    return 0
  }

  private static func of(_ transport: UnsafeMutablePointer<git_smart_subtransport>?) -> SmartChannel {
    let ours = UnsafeMutableRawPointer(transport!).assumingMemoryBound(to: crdt_subtransport.self)
    return Unmanaged<SmartChannel>.fromOpaque(ours.pointee.owner).takeUnretainedValue()
  }

  private static func of(stream: UnsafeMutablePointer<git_smart_subtransport_stream>?) -> SmartChannel {
    let ours = UnsafeMutableRawPointer(stream!).assumingMemoryBound(to: crdt_subtransport_stream.self)
    return Unmanaged<SmartChannel>.fromOpaque(ours.pointee.owner).takeUnretainedValue()
  }

  private static func free(_ transport: UnsafeMutablePointer<git_smart_subtransport>?) {
    guard let transport else { return }
    let ours = UnsafeMutableRawPointer(transport).assumingMemoryBound(to: crdt_subtransport.self)
    let channel = Unmanaged<SmartChannel>.fromOpaque(ours.pointee.owner)
    channel.takeUnretainedValue().close()
    channel.release()
    ours.deinitialize(count: 1)
    ours.deallocate()
  }

  // MARK: What libgit2 calls

  private func act(
    _ out: UnsafeMutablePointer<UnsafeMutablePointer<git_smart_subtransport_stream>?>?,
    _ transport: UnsafeMutablePointer<git_smart_subtransport>?, _ service: git_smart_service_t
  ) -> Int32 {
    session.failing { () throws(GitError) in
      if connection == nil {
        let isPush = service == GIT_SERVICE_RECEIVEPACK_LS || service == GIT_SERVICE_RECEIVEPACK
        connection = try session.connect(isPush: isPush)
      }
      if stream == nil { stream = makeStream(transport) }
      out?.pointee = UnsafeMutableRawPointer(stream!)
        .assumingMemoryBound(to: git_smart_subtransport_stream.self)
      return 0
    }
  }

  private func makeStream(_ transport: UnsafeMutablePointer<git_smart_subtransport>?)
    -> UnsafeMutablePointer<crdt_subtransport_stream>
  {
    let made = UnsafeMutablePointer<crdt_subtransport_stream>.allocate(capacity: 1)
    made.initialize(to: crdt_subtransport_stream())
    // Not retained: libgit2 frees the stream before the subtransport that holds us.
    made.pointee.owner = Unmanaged.passUnretained(self).toOpaque()
    made.pointee.parent.subtransport = transport
    made.pointee.parent.read = { stream, buffer, count, received in
      SmartChannel.of(stream: stream).read(buffer, count, received)
    }
    made.pointee.parent.write = { stream, buffer, count in
      SmartChannel.of(stream: stream).write(buffer, count)
    }
    made.pointee.parent.free = { stream in
      guard let stream else { return }
      let channel = SmartChannel.of(stream: stream)
      channel.stream?.deinitialize(count: 1)
      channel.stream?.deallocate()
      channel.stream = nil
    }
    return made
  }

  private func read(
    _ buffer: UnsafeMutablePointer<CChar>?, _ count: Int, _ received: UnsafeMutablePointer<Int>?
  ) -> Int32 {
    session.failing { () throws(GitError) in
      received?.pointee = 0
      guard let connection, let buffer, count > 0 else { return 0 }
      let isFirst = connection.receivedBytes == 0
      let bytes = UnsafeMutableRawBufferPointer(start: buffer, count: count)
      let got = try connection.read(into: bytes)
      if isFirst { session.inspect(UnsafeRawBufferPointer(rebasing: bytes[..<got])) }
      received?.pointee = got
      return 0
    }
  }

  private func write(_ buffer: UnsafePointer<CChar>?, _ count: Int) -> Int32 {
    session.failing { () throws(GitError) in
      guard let connection else { return -1 }
      try connection.write(UnsafeRawBufferPointer(start: buffer, count: count))
      return 0
    }
  }

  private func close() {
    guard let connection else { return }
    self.connection = nil
    connection.finish(isClean: session.failure == nil)
    session.remoteLines += connection.errorLines.lines
  }
}
