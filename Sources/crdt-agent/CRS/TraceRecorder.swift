import CommandSupport
import Durability
import Glibc
import InMemoryTracing
import Memory
import Replication
import Tracing

/// Keeps the spans of this process and writes them as OTLP JSON, one export request a line.
struct TraceRecorder {
  let tracer: InMemoryTracer

  init() {
    @Sendable func hex(_ count: Int) -> String {
      let bytes = Effects.real.randomBytes(count)
      return bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
    tracer = InMemoryTracer(
      idGenerator: InMemoryTracer.IDGenerator(nextTraceID: { hex(16) }, nextSpanID: { hex(8) }))
  }

  /// Makes sure that spans can be appended there, before anything is done.
  static func prepare(_ path: String) throws(ReplicationError) {
    do throws(ReplicationError) {
      try appending(to: path, [])
    } catch {
      throw ReplicationError(
        error.code, error.message, remedy: "Nothing was done. Name a file in a folder that is there")
    }
  }

  /// Appends the finished spans.
  func append(to path: String) throws(ReplicationError) {
    try Self.appending(to: path, tracer.finishedSpans.flatMap { Self.line($0) + [0x0A] })
  }

  private static func appending(to path: String, _ lines: [UInt8]) throws(ReplicationError) {
    func failure(_ code: ReplicationError.Code, _ why: String) -> ReplicationError {
      ReplicationError(code, "cannot write \(path): \(why)")
    }
    let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw failure(.cannotCreate, String(cString: strerror(errno))) }
    var why: String?
    if !lines.isEmpty {
      // One write: spans of other processes do not get into the middle of a line.
      var count: Int
      repeat { count = Glibc.write(file, lines, lines.count) } while count < 0 && errno == EINTR
      if count < 0 {
        why = String(cString: strerror(errno))
      } else if count < lines.count {
        why = "only \(count) of \(lines.count) bytes were taken"
      }
    }
    // A delayed write may fail only now. On Linux the descriptor is gone after EINTR, too.
    if close(file) != 0, errno != EINTR { why = why ?? String(cString: strerror(errno)) }
    if let why { throw failure(.storage, why) }
  }

  private static func line(_ span: FinishedInMemorySpan) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { request in
      request.array("resourceSpans") { resources in
        resources.object { resource in
          resource.object("resource") {
            $0.array("attributes") { attribute("service.name", .string("crdt-agent"), &$0) }
          }
          resource.array("scopeSpans") { scopes in
            scopes.object { scope in
              scope.object("scope") { scope in
                scope.member("name", "crs")
                scope.member("version", productVersion)
              }
              scope.array("spans") { spans in spans.object { members(of: span, &$0) } }
            }
          }
        }
      }
    }
    return writer.bytes
  }

  private static func members(of span: FinishedInMemorySpan, _ writer: inout JSONWriter) {
    writer.member("traceId", span.traceID)
    writer.member("spanId", span.spanID)
    if let parent = span.parentSpanID { writer.member("parentSpanId", parent) }
    writer.member("name", span.operationName)
    // SPAN_KIND_INTERNAL
    writer.member("kind", 1)
    writer.member("startTimeUnixNano", String(span.startInstant.nanosecondsSinceEpoch))
    writer.member("endTimeUnixNano", String(span.endInstant.nanosecondsSinceEpoch))
    writer.array("attributes") { attributes in
      span.attributes.forEach { name, value in attribute(name, value, &attributes) }
    }
    writer.object("status") { status in
      // STATUS_CODE_OK, STATUS_CODE_ERROR
      status.member("code", span.errors.isEmpty ? 1 : 2)
      if let error = span.errors.first { status.member("message", "\(error.error)") }
    }
  }

  /// An attribute's value in the JSON form of OTLP, in which 64-bit numbers are strings.
  private static func describe(_ value: SpanAttribute) -> (type: String, json: [UInt8]) {
    switch value {
    case .int32(let number): ("intValue", Array("\"\(number)\"".utf8))
    case .int64(let number): ("intValue", Array("\"\(number)\"".utf8))
    case .bool(let value): ("boolValue", Array("\(value)".utf8))
    case .string(let text): ("stringValue", JSONText.quoted(Array(text.utf8)))
    default: ("stringValue", JSONText.quoted(Array("\(value)".utf8)))
    }
  }

  private static func attribute(_ name: String, _ value: SpanAttribute, _ writer: inout JSONWriter) {
    let (type, json) = describe(value)
    writer.object { attribute in
      attribute.member("key", name)
      attribute.object("value") { $0.raw(type, json) }
    }
  }
}
