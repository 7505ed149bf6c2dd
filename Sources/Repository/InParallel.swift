/// What `body` makes of each element, in their order, with at most `limit` under way at once. The first error ends all.
func inParallel<Element: Sendable, Result: Sendable>(
  _ elements: [Element], limit: Int, _ body: @escaping @Sendable (Element) async throws -> Result
) async throws -> [Result] {
  try await withThrowingTaskGroup(of: (Int, Result).self) { group in
    var results = [Result?](repeating: nil, count: elements.count)
    for (position, element) in elements.enumerated() {
      if position >= max(1, limit), let (done, result) = try await group.next() { results[done] = result }
      group.addTask { (position, try await body(element)) }
    }
    while let (done, result) = try await group.next() { results[done] = result }
    return results.compactMap { $0 }
  }
}
