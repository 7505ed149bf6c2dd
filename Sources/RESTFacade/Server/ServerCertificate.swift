import Foundation
import Logging
import NIOCore
import NIOSSL
import Synchronization

/// A server's certificate and key, read from their files, and read again when these change: a certificate that is
/// renewed needs no restart.
final class ServerCertificate: Sendable {
  private struct Pair: Sendable {
    var chain: [NIOSSLCertificate]
    var key: NIOSSLPrivateKey
    /// When each file was changed, as of the reading.
    var stamps: [Date?]
  }

  private struct State {
    var pair: Pair
    var lookedAt: ContinuousClock.Instant
  }

  /// How often the files are looked at, at most.
  private static let interval: Duration = .seconds(5)

  private let files: TLSFiles
  private let logger: Logger
  private let state: Mutex<State>

  /// Reads the files; throws ``UnreadableCertificate`` where they hold no certificate and key.
  init(_ files: TLSFiles, logger: Logger) throws {
    (self.files, self.logger) = (files, logger)
    state = Mutex(State(pair: try Self.read(files), lookedAt: .now))
  }

  /// A configuration whose every handshake takes the certificate as it is then.
  func configuration() -> TLSConfiguration {
    let pair = state.withLock { $0.pair }
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: pair.chain.map { .certificate($0) }, privateKey: .privateKey(pair.key))
    configuration.minimumTLSVersion = .tlsv12
    configuration.applicationProtocols = ["http/1.1"]
    configuration.sslContextCallback = { [self] _, promise in
      let pair = current()
      var override = NIOSSLContextConfigurationOverride()
      override.certificateChain = pair.chain.map { .certificate($0) }
      override.privateKey = .privateKey(pair.key)
      promise.succeed(override)
    }
    return configuration
  }

  /// The pair, read again where a file has changed. Where the new files cannot be read the old pair stays, and a warning
  /// says so: half a renewal is not the end of service.
  private func current() -> Pair {
    state.withLock { state in
      guard ContinuousClock.now - state.lookedAt >= Self.interval else { return state.pair }
      state.lookedAt = .now
      guard Self.stamps(files) != state.pair.stamps else { return state.pair }
      do {
        state.pair = try Self.read(files)
        logger.info("the TLS certificate was read again", metadata: ["certificate": "\(files.certificate)"])
      } catch {
        logger.warning("the new TLS certificate can't be used; the old one stays", metadata: ["error": "\(error)"])
      }
      return state.pair
    }
  }

  private static func read(_ files: TLSFiles) throws -> Pair {
    // The stamps come first: a file that changes while it is read is read again.
    let stamps = stamps(files)
    do {
      // The certificate is read last, whatever became of the key: a key that can't be read leaves its error in the
      // thread's queue, where the next handshake would find it; reading a certificate empties the queue.
      let key = Result { try NIOSSLPrivateKey(file: files.key, format: .pem) }
      let chain = try NIOSSLCertificate.fromPEMFile(files.certificate)
      guard !chain.isEmpty else { throw UnreadableCertificate(files, "the certificate's file holds none") }
      return Pair(chain: chain, key: try key.get(), stamps: stamps)
    } catch let error as UnreadableCertificate {
      throw error
    } catch {
      throw UnreadableCertificate(files, "\(type(of: error))")
    }
  }

  private static func stamps(_ files: TLSFiles) -> [Date?] {
    [files.certificate, files.key].map { path in
      let attributes = try? FileManager.default.attributesOfItem(atPath: path)
      return attributes?[.modificationDate] as? Date
    }
  }
}

/// The files of a certificate hold none.
struct UnreadableCertificate: Error, CustomStringConvertible {
  let description: String

  init(_ files: TLSFiles, _ why: String) {
    description =
      "'\(files.certificate)' and '\(files.key)' hold no certificate with its key in PEM (\(why)); check both files"
  }
}
