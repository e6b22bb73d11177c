-- Settings have the shape of the configuration file: {"model": {"name": ...}} in place of {"modelName": ...}. What was
-- written in the new shape already wins; a name that nothing stands for any more is left as it is.
WITH renamed (old, section, name) AS (VALUES
  ('modelName', 'model', 'name'), ('modelLocalPath', 'model', 'localPath'),
  ('modelAllowDownload', 'model', 'allowDownload'), ('modelQuantized', 'model', 'quantized'),
  ('modelPooling', 'model', 'pooling'), ('modelNormalize', 'model', 'normalize'),
  ('modelMaxTokens', 'model', 'maxTokens'), ('modelRevision', 'model', 'revision'),
  ('modelChecksum', 'model', 'checksum'), ('modelHub', 'model', 'hub'),
  ('modelDocumentPrefix', 'model', 'documentPrefix'), ('modelQueryPrefix', 'model', 'queryPrefix'),
  ('modelLongText', 'model', 'longText'), ('modelChunkOverlap', 'model', 'chunkOverlap'),
  ('modelMaxChunks', 'model', 'maxChunks'), ('modelEndpoint', 'model', 'endpoint'),
  ('modelDimensions', 'model', 'dimensions'), ('modelRequestTexts', 'model', 'requestTexts'),
  ('modelRequestConcurrency', 'model', 'requestConcurrency'), ('modelTimeoutSeconds', 'model', 'timeoutSeconds'),
  ('maskTypes', 'mask', 'types'), ('maskRules', 'mask', 'rules'), ('concurrency', 'worker', 'concurrency'),
  ('threads', 'worker', 'threads'), ('drainSeconds', 'worker', 'drainSeconds'), ('syncMode', 'sync', 'mode'),
  ('syncSeconds', 'sync', 'everySeconds'), ('syncSweepSeconds', 'sync', 'sweepSeconds'),
  ('syncSlowSweepSeconds', 'sync', 'slowSweepSeconds'), ('throttleReplicaLag', 'throttle', 'replicaLag'),
  ('throttleReplicaLagBytes', 'throttle', 'replicaLagBytes'), ('throttleSlotBacklog', 'throttle', 'slotBacklog'),
  ('throttleArchiveBacklog', 'throttle', 'archiveBacklog'), ('throttleWalRate', 'throttle', 'walRate'),
  ('throttleAutovacuum', 'throttle', 'autovacuum'), ('throttleLockWaiters', 'throttle', 'lockWaiters'),
  ('throttleActiveSessions', 'throttle', 'activeSessions'), ('throttleDiskUsed', 'throttle', 'diskUsed'),
  ('throttleSql', 'throttle', 'sql'), ('throttleSqlValue', 'throttle', 'sqlValue'),
  ('throttleCheckSeconds', 'throttle', 'checkSeconds'), ('throttleStatementMs', 'throttle', 'statementMs'),
  ('rowsPerSecond', 'throttle', 'rowsPerSecond'), ('indexMethod', 'index', 'method'), ('indexType', 'index', 'type'),
  ('indexBuildMinutes', 'index', 'buildMinutes'), ('indexCoverage', 'index', 'coverage'), ('indexM', 'index', 'm'),
  ('indexEfConstruction', 'index', 'efConstruction'), ('indexLists', 'index', 'lists'),
  ('indexMemory', 'index', 'maintenanceWorkMem'), ('indexWorkers', 'index', 'parallelWorkers'),
  ('verifyRecall', 'verify', 'recall'), ('verifySamples', 'verify', 'samples'),
  ('verifyTolerance', 'verify', 'tolerance'), ('verifyLatency', 'verify', 'latencyMs'),
  ('verifyValidHours', 'verify', 'validHours'), ('searchFilters', 'search', 'filters'),
  ('searchTextConfig', 'search', 'textConfig'), ('searchTsvector', 'search', 'tsvector')),
sections AS (
  SELECT b.name AS backfill, r.section, jsonb_object_agg(r.name, b.settings -> r.old) AS given
    FROM pgvector_backfill.backfill b JOIN renamed r ON b.settings ? r.old
   GROUP BY b.name, r.section),
nested AS (
  SELECT s.backfill, jsonb_object_agg(s.section, s.given || coalesce(b.settings -> s.section, '{}')) AS given
    FROM sections s JOIN pgvector_backfill.backfill b ON b.name = s.backfill
   GROUP BY s.backfill)
UPDATE pgvector_backfill.backfill b
   SET settings = (b.settings - ARRAY(SELECT old FROM renamed)) || n.given
  FROM nested n WHERE n.backfill = b.name;
