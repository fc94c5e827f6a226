import Tracing

/// Runs work in a span, a child of the one around it.
func traced<Value: ~Copyable>(_ name: String, _ body: (any Span) throws(CRSError) -> Value) throws(CRSError) -> Value {
  let span = startSpan(name)
  defer { span.end() }
  do throws(CRSError) {
    return try body(span)
  } catch {
    span.recordError(error)
    span.setStatus(SpanStatus(code: .error, message: error.message))
    throw error
  }
}
