/// What of the contract comes with a later version.
extension Endpoints {
  func notServed(_ call: Call, _ what: String) throws -> Answer {
    throw FacadeError(.notFound, "\(what) are not served by this version")
  }
}
