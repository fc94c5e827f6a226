import Tracing

/// Runs work in a span, a child of the one around it. That nothing is there is an answer, and no failure.
func traced<Value>(_ name: String, _ body: (any Span) throws(CRSError) -> Value) throws(CRSError) -> Value {
  let span = startSpan(name)
  defer { span.end() }
  let outcome = ServiceContext.withValue(span.context) { () -> Result<Value, CRSError> in
    do throws(CRSError) { return .success(try body(span)) } catch { return .failure(error) }
  }
  if case .failure(let error) = outcome, error.code != .notFound {
    span.recordError(error)
    span.setStatus(SpanStatus(code: .error, message: error.message))
  }
  return try outcome.get()
}
