import ArgumentParser
import Controllers
import Foundation
import KubeClient
import KubeModel
import KubeRuntime
import Logging
import Steps

/// The options of `--platform kubernetes`.
struct KubernetesOptions: ParsableArguments {
  /// The variable that an installation's manifest sets to the controller's own image.
  static let imageVariable = "TIDEMARK_STEP_IMAGE"

  @Option(help: "The image that steps run from. By default what the variable \(Self.imageVariable) says.")
  var stepImage: String?

  @Option(help: "A file with the PodTemplateSpec that the pods of steps are made of, in YAML.")
  var podTemplate: String?

  @Option(help: "How long a step may take before it is ended, waiting for a node included: 24h, 90m.")
  var stepDeadline = "24h"

  /// How steps are run; throws a `ValidationError`, or what is wrong with the template.
  func settings() throws -> KubernetesStepSettings {
    let image = stepImage ?? ProcessInfo.processInfo.environment[Self.imageVariable] ?? ""
    guard !image.isEmpty else {
      throw ValidationError(
        "--platform kubernetes needs the image that steps run from: --step-image, or the variable "
          + "\(Self.imageVariable); give the controller's own")
    }
    guard let deadline = GoDuration(stepDeadline), deadline.duration >= .seconds(60) else {
      throw ValidationError("'\(stepDeadline)' is no deadline; expected a duration of a minute or more, such as 24h")
    }
    do {
      return KubernetesStepSettings(
        image: image, template: try podTemplate.map { try PodTemplate(file: $0) } ?? .empty,
        deadline: deadline.duration)
    } catch let error as StepError {
      throw ValidationError(error.message)
    }
  }

  /// What reconcilers work with where steps are Jobs. Steps reach the API server as their pod's account.
  func environment(
    _ runtime: Runtime, _ client: KubeClient, _ events: EventRecorder, namespaces: [String], programDirectory: String?,
    logger: Logger
  ) throws -> ControllerEnvironment {
    let settings = try settings()
    let runs = ClusterRuns(
      runtime: runtime, client: client, settings: settings, namespaces: namespaces, logger: logger)
    let host = KubernetesInstanceHost(
      client: client,
      settings: InstanceSettings(
        programImage: settings.image, imagePullPolicy: settings.template.imagePullPolicy,
        podSpec: settings.template.podSpec),
      logger: logger)
    return ControllerEnvironment(
      client: client, runtime: runtime, runner: runs.runner, host: host, events: events,
      cluster: ClusterAccess(kubeconfig: nil), programDirectory: programDirectory, runs: runs, logger: logger)
  }
}
