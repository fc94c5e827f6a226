import CZlib

/// gzip (RFC 1952) with fixed header fields: no name, no time, no system. Same bytes in, same bytes out.
public enum Gzip {
  /// Why bytes are no gzip stream that may be used.
  public enum Damage: String, Error, Hashable, Sendable {
    case notGzip, truncated, trailingBytes, checksum, tooLarge, noMemory
  }

  /// Window bits of zlib: the largest window, with 16 added for the gzip form.
  private static let windowBits: Int32 = 15 + 16

  /// - Complexity: O(*n*).
  public static func compress(_ bytes: [UInt8]) throws(Damage) -> [UInt8] {
    var stream = z_stream()
    guard
      deflateInit2_(
        &stream, 6, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        == Z_OK
    else { throw .noMemory }
    defer { deflateEnd(&stream) }
    var header = gz_header()
    header.os = 255  // Unknown (RFC 1952, 2.3.1): the same on every host.
    var output: [UInt8] = []
    let status = withUnsafeMutablePointer(to: &header) { header in
      deflateSetHeader(&stream, header)
      return run(&stream, bytes, into: &output, limitBytes: .max) { stream, isLast in
        deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
      }
    }
    guard status == Z_STREAM_END else { throw .noMemory }
    return output
  }

  /// Takes exactly one stream, to its end, with its checksum right.
  /// - Parameter limitBytes: the most it may unpack to.
  public static func decompress(_ bytes: [UInt8], limitBytes: Int) throws(Damage) -> [UInt8] {
    var stream = z_stream()
    guard inflateInit2_(&stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw .noMemory
    }
    defer { inflateEnd(&stream) }
    var output: [UInt8] = []
    let status = run(&stream, bytes, into: &output, limitBytes: limitBytes) { stream, _ in
      inflate(stream, Z_NO_FLUSH)
    }
    guard output.count <= limitBytes else { throw .tooLarge }
    switch status {
    case Z_STREAM_END: break
    case Z_MEM_ERROR: throw .noMemory
    case Z_OK, Z_BUF_ERROR: throw .truncated
    default: throw bytes.starts(with: [0x1F, 0x8B]) ? .checksum : .notGzip
    }
    guard Int(stream.total_in) == bytes.count else { throw .trailingBytes }
    return output
  }

  /// Feeds the input in pieces that fit zlib's counters and takes the output until the stream ends or cannot go on.
  private static func run(
    _ stream: inout z_stream, _ input: [UInt8], into output: inout [UInt8], limitBytes: Int,
    _ step: (UnsafeMutablePointer<z_stream>, _ isLast: Bool) -> Int32
  ) -> Int32 {
    let pieceBytes = 1 << 20
    var buffer = [UInt8](repeating: 0, count: 1 << 17)
    var consumed = 0
    return input.withUnsafeBufferPointer { source in
      buffer.withUnsafeMutableBufferPointer { target in
        while true {
          let piece = min(pieceBytes, source.count - consumed)
          // zlib takes the input as mutable for historical reasons and does not write to it.
          stream.next_in = source.baseAddress.map { UnsafeMutablePointer(mutating: $0 + consumed) }
          stream.avail_in = UInt32(piece)
          stream.next_out = target.baseAddress
          stream.avail_out = UInt32(target.count)
          let status = step(&stream, consumed + piece == source.count)
          let taken = piece - Int(stream.avail_in)
          let made = target.count - Int(stream.avail_out)
          consumed += taken
          output.append(contentsOf: target[..<made])
          if status != Z_OK || output.count > limitBytes || (taken == 0 && made == 0) { return status }
        }
      }
    }
  }
}
