import HTTPTypes
import Hummingbird

/// The contract's table.
extension Router {
  package static let facade = Router(routes: [
    Route(.get, "/settings/backup-destinations") { try await $0.listDestinations($1) },
    Route(.post, "/settings/backup-destinations") { try await $0.createDestination($1) },
    Route(.get, "/settings/backup-destinations/:id") { try await $0.getDestination($1) },
    Route(.put, "/settings/backup-destinations/:id") { try await $0.updateDestination($1) },
    Route(.delete, "/settings/backup-destinations/:id") { try await $0.deleteDestination($1) },
    Route(.post, "/settings/backup-destinations/:id/validate") { try await $0.validateDestination($1) },

    Route(.get, "/databases") { try await $0.listDatabases($1) },
    Route(.get, "/databases/:id") { try await $0.getDatabase($1) },
    Route(.get, "/databases/:id/backups") { try await $0.listBackups($1) },
    Route(.post, "/databases/:id/backups") { try await $0.createBackup($1) },
    Route(.get, "/databases/:id/recovery-window") { try await $0.getRecoveryWindow($1) },
    Route(.post, "/databases/:id/restore") { try await $0.restore($1) },
    Route(.post, "/databases/:id/pitr") { try await $0.recover($1) },
    Route(.post, "/databases/:id/pitr-clone") { try await $0.clone($1) },
    Route(.post, "/databases/:id/switch") { try await $0.switchOver($1) },
    Route(.post, "/databases/:id/import") { try await $0.importDump($1) },
    Route(.post, "/databases/:id/restore-from-path") { try await $0.restoreFromPath($1) },

    Route(.get, "/backups/:id") { try await $0.getBackup($1) },
    Route(.delete, "/backups/:id") { try await $0.deleteBackup($1) },
    Route(.post, "/backups/database/:id/restore") { try await $0.restoreBackup($1) },
    Route(.get, "/restores/:id") { try await $0.getRestore($1) },

    Route(.get, "/backup-schedules") { try await $0.listSchedules($1) },
    Route(.post, "/backup-schedules") { try await $0.createSchedule($1) },
    Route(.get, "/backup-schedules/:id") { try await $0.getSchedule($1) },
    Route(.put, "/backup-schedules/:id") { try await $0.updateSchedule($1) },
    Route(.delete, "/backup-schedules/:id") { try await $0.deleteSchedule($1) },
    Route(.post, "/backup-schedules/:id/run") { try await $0.runSchedule($1) },

    Route(.get, "/applications") { try await $0.listApplications($1) },
    Route(.get, "/buckets") { try await $0.listBuckets($1) },
    Route(.get, "/applications/:id/volume-backups") { try await $0.listVolumeBackups($1) },
    Route(.post, "/applications/:id/volume-backups") { try await $0.createVolumeBackup($1) },
    Route(.post, "/backups/volume/:id/restore") { try await $0.restoreVolumeBackup($1) },
    Route(.post, "/backups/volume/:id/clone") { try await $0.cloneVolumeBackup($1) },
    Route(.get, "/buckets/:id/backups") { try await $0.listBucketBackups($1) },
    Route(.post, "/buckets/:id/backups") { try await $0.createBucketBackup($1) },
  ])
}
