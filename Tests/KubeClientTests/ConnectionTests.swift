import Foundation
import KubeClient
import KubeModel
import TestSupport
import Testing

/// Ways of not getting through to a real API server, each with an error of its own, and ways of getting through.
@Suite("Connections to a real API server")
struct ConnectionTests {
  private func version(_ configuration: KubeConfiguration) async throws -> String {
    let client = try KubeClient.quiet(configuration)
    do {
      let version = try await client.serverVersion()
      await client.shutdown()
      return version.gitVersion
    } catch {
      await client.shutdown()
      throw error
    }
  }

  private func failure(_ change: (inout KubeConfiguration) -> Void) async throws -> KubeError? {
    var configuration = try await TestServers.kube().configuration()
    change(&configuration)
    let changed = configuration
    return await #expect(throws: KubeError.self) { _ = try await version(changed) }
  }

  @Test("a token and a client certificate each get through", arguments: ["token", "certificate"])
  func credentials(context: String) async throws {
    let client = try KubeClient.quiet(try await TestServers.kube().configuration(context: context))
    #expect(try await client.serverVersion().gitVersion.hasPrefix("v1."))
    _ = try await client.list(Secret.self, namespace: "default")
    await client.shutdown()
  }

  @Test("a wrong token is 401, and a user without rights is 403")
  func refusedCredentials() async throws {
    let wrong = try await failure { $0.credentials = .token("wrong") }
    #expect(wrong?.isUnauthorized == true && wrong?.code == "KubernetesUnauthorized")

    let file = try await TestServers.kube().kubeconfig(user: "nobody")
    let client = try KubeClient.quiet(try KubeConfiguration.load(kubeconfig: file, environment: [:]))
    let forbidden = await #expect(throws: KubeError.self) {
      _ = try await client.list(Secret.self, namespace: "default")
    }
    #expect(forbidden?.isForbidden == true && "\(forbidden as Any)".contains("nobody"))
    await client.shutdown()
  }

  @Test("a server whose authority is not trusted is an error of TLS, not of credentials")
  func untrusted() async throws {
    let system = try await failure { $0.trust = .system }
    #expect(system?.code == "KubernetesTLSUntrusted")
  }

  @Test("an untrusted server is reached only where the kubeconfig says that it may be anyone")
  func insecure() async throws {
    var configuration = try await TestServers.kube().configuration()
    configuration.trust = .anyCertificate
    #expect(try await version(configuration).hasPrefix("v1."))
  }

  @Test("the certificate must name the server's address, or the tls-server-name given in its place")
  func serverName() async throws {
    // The certificate has 127.0.0.1 and kubernetes.default.svc, and not 127.0.0.2.
    var configuration = try await TestServers.kube().configuration()
    let address = try SecondAddress(of: configuration.server.port)
    configuration.server.host = address.host
    configuration.server.port = address.port
    for name in [nil, "other.example"] {
      configuration.tlsServerName = name
      let changed = configuration
      let error = await #expect(throws: KubeError.self) { _ = try await version(changed) }
      #expect(error?.code == "KubernetesTLSUntrusted")
    }
    configuration.tlsServerName = "kubernetes.default.svc"
    #expect(try await version(configuration).hasPrefix("v1."))
  }

  @Test("a closed port, and a name that does not resolve, are said as such and within seconds")
  func unreachable() async throws {
    let start = ContinuousClock.now
    let closed = try await failure { $0.server.port = 1 }
    #expect(closed?.isConnectionRefused == true && closed?.code == "KubernetesConnectionRefused")
    let unknown = try await failure { $0.server.host = "no-such-host.invalid" }
    #expect(unknown?.code == "KubernetesUnreachable")
    #expect(ContinuousClock.now - start < .seconds(20))
  }

  @Test("a token file that is replaced before its token is refused is read again")
  func tokenFile() async throws {
    let folder = try Folder()
    var configuration = try await TestServers.kube().configuration()
    guard case .token(let token) = configuration.credentials else { return }
    let path = try folder.write("token", "expired")
    configuration.credentials = .tokenFile(path: path)
    let client = try KubeClient.quiet(configuration)
    let refused = await #expect(throws: KubeError.self) { _ = try await client.list(Secret.self, namespace: "default") }
    #expect(refused?.isUnauthorized == true)
    try folder.write("token", token)
    _ = try await client.list(Secret.self, namespace: "default")
    await client.shutdown()
  }

  @Test("connections cut at random bytes of a list: it is whole in the end, or an error, never a part")
  func cutLists() async throws {
    try await withNamespace { client, namespace in
      for index in 0..<60 {
        try await client.create(Widget("w\(index)", in: namespace, note: String(repeating: "x", count: 500)))
      }
      var configuration = client.configuration
      // A TLS handshake takes some 2 KiB, the list some 60 KiB.
      let proxy = try await FaultProxy.start(to: configuration.server.port)
      proxy.rule { _ in
        let place = Int.random(in: 0..<70_000)
        switch Int.random(in: 0..<4) {
        case 0: return FaultProxy.Fault.reset(after: place, .toClient)
        case 1: return FaultProxy.Fault.close(after: place, .toClient)
        default: return FaultProxy.Fault.none
        }
      }
      configuration.server.port = proxy.port
      var whole = 0
      for _ in 0..<40 {
        // A client each, so that each begins with a connection of its own.
        let cut = try KubeClient.quiet(configuration)
        do {
          let list = try await cut.listAll(Widget.self, namespace: namespace, pageSize: 25)
          #expect(list.items.count == 60)
          whole += 1
        } catch let error as KubeError {
          #expect(["KubernetesConnectionClosed", "KubernetesTLSUntrusted"].contains(error.code), "\(error)")
        }
        await cut.shutdown()
      }
      // More connections than clients: some were cut and made anew.
      #expect(proxy.connectionCount > 40)
      #expect(whole > 20)
      try await proxy.stop()
    }
  }

  @Test("watches cut at random bytes and begun again where they ended miss no event and tell none twice")
  func cutWatches() async throws {
    try await withNamespace { client, namespace in
      let start = try await client.listAll(Widget.self, namespace: namespace).metadata.resourceVersion
      for index in 0..<100 {
        try await client.create(Widget("w\(index)", in: namespace, note: String(repeating: "x", count: 300)))
      }
      var configuration = client.configuration
      let proxy = try await FaultProxy.start(to: configuration.server.port)
      proxy.rule { number in
        let place = Int.random(in: 3_000..<20_000)
        return number % 2 == 0
          ? FaultProxy.Fault.reset(after: place, .toClient) : FaultProxy.Fault.close(after: place, .toClient)
      }
      configuration.server.port = proxy.port
      let cut = try KubeClient.quiet(configuration)
      var (version, names, tries) = (start, [String](), 0)
      while names.count < 100, tries < 500 {
        tries += 1
        let options = WatchOptions(resourceVersion: version, timeoutSeconds: 20)
        do {
          for try await event in cut.watch(Widget.self, namespace: namespace, options: options) {
            version = event.resourceVersion ?? version
            if case .added(let widget) = event { names.append(widget.key.name) }
            if names.count == 100 { break }
          }
        } catch let error as KubeError {
          #expect(["KubernetesConnectionClosed", "KubernetesTLSUntrusted"].contains(error.code), "\(error)")
        }
      }
      await cut.shutdown()
      #expect(names == (0..<100).map { "w\($0)" })
      #expect(proxy.connectionCount > 3)
      try await proxy.stop()
    }
  }
}
