import KubeClient
import KubeModel
import Testing

@Suite("Sending a request again")
struct RepeatingTests {
  private func failure(_ code: KubeTransportFailure.Code, _ stage: KubeTransportFailure.Stage) -> KubeError {
    .transport(KubeTransportFailure(code: code, stage: stage, operation: "test", server: "test", detail: ""))
  }

  private func isAgain(_ kind: Repeating.Kind, _ error: KubeError) -> Bool {
    var repeating = Repeating(kind)
    return repeating.after(error, jitter: 0) != .giveUp
  }

  @Test("a request that may have been carried out is sent again only where twice is as once")
  func table() {
    let table:
      [(KubeTransportFailure.Code, KubeTransportFailure.Stage, read: Bool, idempotent: Bool, onlyIfNotSent: Bool)] = [
        (.connectionRefused, .connecting, true, true, true),
        (.connectionClosed, .connecting, true, true, true),
        (.connectionClosed, .awaitingAnswer, true, true, false),
        (.connectionClosed, .readingAnswer, true, false, false),
        (.timeout, .awaitingAnswer, false, false, false),
        (.tlsUntrusted, .connecting, false, false, false),
        (.answerTooLarge, .readingAnswer, false, false, false),
        (.shutDown, .awaitingAnswer, false, false, false),
      ]
    for row in table {
      #expect(isAgain(.read, failure(row.0, row.1)) == row.read, "\(row)")
      #expect(isAgain(.idempotent, failure(row.0, row.1)) == row.idempotent, "\(row)")
      #expect(isAgain(.onlyIfNotSent, failure(row.0, row.1)) == row.onlyIfNotSent, "\(row)")
    }
  }

  @Test("tries are bounded")
  func bounded() {
    var repeating = Repeating(.read)
    var tries = 1
    while repeating.after(failure(.connectionRefused, .connecting), jitter: 0.5) != .giveUp { tries += 1 }
    #expect(tries == 3)
  }

  @Test("a read waits as long as a 429 says, and others leave that to their caller")
  func throttled() {
    func refusal(_ code: Int, _ seconds: Int?) -> KubeError {
      .status(KubeStatus(code: code, reason: .forCode(code), details: .init(retryAfterSeconds: seconds)))
    }
    func verdict(_ error: KubeError, jitter: Double = 0) -> Repeating.Verdict {
      var repeating = Repeating(.read)
      return repeating.after(error, jitter: jitter)
    }
    #expect(verdict(refusal(429, 2), jitter: 0.25) == .again(after: .milliseconds(2250)))
    #expect(verdict(refusal(503, 1)) == .again(after: .seconds(1)))
    #expect(verdict(refusal(429, nil)) == .giveUp)
    #expect(verdict(refusal(429, 3600)) == .giveUp)
    #expect(verdict(refusal(409, 1)) == .giveUp)
    #expect(!isAgain(.idempotent, refusal(429, 1)))
    #expect(!isAgain(.onlyIfNotSent, refusal(429, 1)))
    var tries = 1
    var persistent = Repeating(.read)
    while persistent.after(refusal(429, 1), jitter: 0) != .giveUp { tries += 1 }
    #expect(tries == 5)
  }
}
