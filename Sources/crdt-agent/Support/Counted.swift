/// `1 element was`, `2 elements were`: a count with the words that go with it.
func counted(_ count: some BinaryInteger, _ one: String, _ many: String) -> String {
  "\(count) \(count == 1 ? one : many)"
}
