CREATE TABLE alembic_version ( version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num) );

CREATE TABLE check_ins ( id INTEGER NOT NULL, at DATETIME NOT NULL, key_result VARCHAR NOT NULL, metric VARCHAR, author VARCHAR NOT NULL, value FLOAT, confidence FLOAT, note VARCHAR NOT NULL, blockers VARCHAR NOT NULL, done BOOLEAN, expires DATETIME, CONSTRAINT pk_check_ins PRIMARY KEY (id), CONSTRAINT ck_check_ins_confidence_finite CHECK (confidence BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308), CONSTRAINT ck_check_ins_value_finite CHECK (value BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308) );

CREATE INDEX ix_check_ins_key_result ON check_ins (key_result);

CREATE TABLE runs ( id INTEGER NOT NULL, "trigger" VARCHAR NOT NULL, owner VARCHAR NOT NULL, outcome VARCHAR NOT NULL, started DATETIME NOT NULL, finished DATETIME, lease VARCHAR, lease_until DATETIME NOT NULL, evaluated_at DATETIME, summary VARCHAR NOT NULL, deadline DATETIME, CONSTRAINT pk_runs PRIMARY KEY (id), CONSTRAINT uq_runs_lease UNIQUE (lease) );

CREATE INDEX ix_runs_evaluated_at ON runs (evaluated_at);

CREATE INDEX ix_runs_started ON runs (started);

CREATE TABLE source_states ( name VARCHAR NOT NULL, cursor VARCHAR, last_asked DATETIME, last_success DATETIME, fresh_seconds FLOAT, declared BOOLEAN NOT NULL, error VARCHAR, fix VARCHAR, CONSTRAINT pk_source_states PRIMARY KEY (name) );

CREATE TABLE containers ( source VARCHAR NOT NULL, id VARCHAR NOT NULL, "key" VARCHAR NOT NULL, title VARCHAR NOT NULL, url VARCHAR NOT NULL, kind VARCHAR NOT NULL, state VARCHAR NOT NULL, resolution VARCHAR, due DATE, done_at DATETIME, run_id INTEGER NOT NULL, past_since DATETIME, CONSTRAINT pk_containers PRIMARY KEY (source, id), CONSTRAINT fk_containers_run_id_runs FOREIGN KEY(run_id) REFERENCES runs (id) );

CREATE TABLE definitions ( id INTEGER NOT NULL, kind VARCHAR NOT NULL, subject VARCHAR NOT NULL, version INTEGER NOT NULL, hash VARCHAR NOT NULL, body VARCHAR NOT NULL, since DATETIME NOT NULL, until DATETIME, author VARCHAR NOT NULL, reason VARCHAR NOT NULL, run_id INTEGER, CONSTRAINT pk_definitions PRIMARY KEY (id), CONSTRAINT fk_definitions_run_id_runs FOREIGN KEY(run_id) REFERENCES runs (id), CONSTRAINT uq_definitions_kind_subject_version UNIQUE (kind, subject, version) );

CREATE TABLE latest ( kind VARCHAR NOT NULL, subject VARCHAR NOT NULL, position INTEGER NOT NULL, body VARCHAR NOT NULL, point VARCHAR NOT NULL, changed_at DATETIME NOT NULL, run_id INTEGER NOT NULL, CONSTRAINT pk_latest PRIMARY KEY (kind, subject), CONSTRAINT fk_latest_run_id_runs FOREIGN KEY(run_id) REFERENCES runs (id) );

CREATE TABLE memberships ( id INTEGER NOT NULL, source VARCHAR NOT NULL, container VARCHAR NOT NULL, item VARCHAR NOT NULL, since DATETIME NOT NULL, until DATETIME, run_id INTEGER NOT NULL, valid_since DATETIME, valid_until DATETIME, CONSTRAINT pk_memberships PRIMARY KEY (id), CONSTRAINT fk_memberships_run_id_runs FOREIGN KEY(run_id) REFERENCES runs (id) );

CREATE INDEX ix_memberships_source_container ON memberships (source, container);

CREATE TABLE metric_states ( metric VARCHAR NOT NULL, source VARCHAR NOT NULL, miss_kind VARCHAR, miss_message VARCHAR, since DATETIME NOT NULL, run_id INTEGER NOT NULL, past_question VARCHAR, CONSTRAINT pk_metric_states PRIMARY KEY (metric), CONSTRAINT fk_metric_states_run_id_runs FOREIGN KEY(run_id) REFERENCES runs (id) );

CREATE TABLE observations ( id INTEGER NOT NULL, metric VARCHAR NOT NULL, valid_time DATETIME NOT NULL, dated BOOLEAN NOT NULL, value FLOAT NOT NULL, evidence VARCHAR NOT NULL, author VARCHAR, expires DATETIME, retracted BOOLEAN NOT NULL, recorded_at DATETIME NOT NULL, run_id INTEGER, question VARCHAR, CONSTRAINT pk_observations PRIMARY KEY (id), CONSTRAINT fk_observations_run_id_runs FOREIGN KEY(run_id) REFERENCES runs (id), CONSTRAINT ck_observations_value_finite CHECK (value BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308) );

CREATE INDEX ix_observations_metric_valid_time ON observations (metric, valid_time);

CREATE TABLE report_marks ( id INTEGER NOT NULL, name VARCHAR NOT NULL, run_id INTEGER, at DATETIME NOT NULL, CONSTRAINT pk_report_marks PRIMARY KEY (id), CONSTRAINT fk_report_marks_run_id_runs FOREIGN KEY(run_id) REFERENCES runs (id) );

CREATE INDEX ix_report_marks_name ON report_marks (name);

CREATE TABLE run_entries ( run_id INTEGER NOT NULL, key_result VARCHAR NOT NULL, outcome VARCHAR NOT NULL, reason VARCHAR NOT NULL, fix VARCHAR NOT NULL, CONSTRAINT pk_run_entries PRIMARY KEY (run_id, key_result), CONSTRAINT fk_run_entries_run_id_runs FOREIGN KEY(run_id) REFERENCES runs (id) );

CREATE TABLE run_sources ( run_id INTEGER NOT NULL, source VARCHAR NOT NULL, outcome VARCHAR NOT NULL, error VARCHAR, fix VARCHAR, requests INTEGER NOT NULL, retries INTEGER NOT NULL, seconds FLOAT NOT NULL, seen INTEGER NOT NULL, changed INTEGER NOT NULL, received BIGINT, not_modified INTEGER, points INTEGER, kept INTEGER, CONSTRAINT pk_run_sources PRIMARY KEY (run_id, source), CONSTRAINT fk_run_sources_run_id_runs FOREIGN KEY(run_id) REFERENCES runs (id) );

CREATE TABLE scopes ( ref VARCHAR NOT NULL, source VARCHAR NOT NULL, containers VARCHAR NOT NULL, resolved BOOLEAN NOT NULL, miss_kind VARCHAR, miss_message VARCHAR, since DATETIME NOT NULL, run_id INTEGER NOT NULL, question VARCHAR, CONSTRAINT pk_scopes PRIMARY KEY (ref), CONSTRAINT fk_scopes_run_id_runs FOREIGN KEY(run_id) REFERENCES runs (id) );

CREATE TABLE transitions ( id INTEGER NOT NULL, source VARCHAR NOT NULL, item VARCHAR NOT NULL, field VARCHAR NOT NULL, "before" VARCHAR, "after" VARCHAR, at DATETIME NOT NULL, recorded_at DATETIME NOT NULL, run_id INTEGER NOT NULL, logged BOOLEAN DEFAULT 0 NOT NULL, CONSTRAINT pk_transitions PRIMARY KEY (id), CONSTRAINT fk_transitions_run_id_runs FOREIGN KEY(run_id) REFERENCES runs (id) );

CREATE INDEX ix_transitions_source_item ON transitions (source, item);

CREATE TABLE work_items ( source VARCHAR NOT NULL, id VARCHAR NOT NULL, "key" VARCHAR NOT NULL, title VARCHAR NOT NULL, url VARCHAR NOT NULL, kind VARCHAR NOT NULL, state VARCHAR NOT NULL, resolution VARCHAR, parent VARCHAR, points FLOAT, created DATETIME, done_at DATETIME, updated DATETIME, due DATE, labels VARCHAR NOT NULL, absence VARCHAR, absent_since DATETIME, run_id INTEGER NOT NULL, past_since DATETIME, past_until DATETIME, CONSTRAINT pk_work_items PRIMARY KEY (source, id), CONSTRAINT fk_work_items_run_id_runs FOREIGN KEY(run_id) REFERENCES runs (id), CONSTRAINT ck_work_items_points_finite CHECK (points BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308) );

CREATE TABLE closings ( id INTEGER NOT NULL, cycle VARCHAR NOT NULL, action VARCHAR NOT NULL, at DATETIME NOT NULL, author VARCHAR NOT NULL, note VARCHAR NOT NULL, body VARCHAR, sha256 VARCHAR, run_id INTEGER NOT NULL, CONSTRAINT pk_closings PRIMARY KEY (id), CONSTRAINT fk_closings_run_id_runs FOREIGN KEY(run_id) REFERENCES runs (id) );

CREATE INDEX ix_closings_cycle ON closings (cycle);

CREATE TABLE overrides ( id INTEGER NOT NULL, at DATETIME NOT NULL, key_result VARCHAR NOT NULL, author VARCHAR NOT NULL, status VARCHAR, reason VARCHAR NOT NULL, expires DATETIME, CONSTRAINT pk_overrides PRIMARY KEY (id) );

CREATE INDEX ix_overrides_key_result ON overrides (key_result);

CREATE TABLE baselines ( id INTEGER NOT NULL, key_result VARCHAR NOT NULL, subject VARCHAR NOT NULL, version INTEGER NOT NULL, value FLOAT NOT NULL, how VARCHAR NOT NULL, time DATETIME NOT NULL, readings INTEGER NOT NULL, evidence VARCHAR NOT NULL, question VARCHAR NOT NULL, start DATETIME NOT NULL, at DATETIME NOT NULL, author VARCHAR NOT NULL, reason VARCHAR NOT NULL, run_id INTEGER NOT NULL, CONSTRAINT pk_baselines PRIMARY KEY (id), CONSTRAINT ck_baselines_value_finite CHECK (value BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308), CONSTRAINT fk_baselines_run_id_runs FOREIGN KEY(run_id) REFERENCES runs (id), CONSTRAINT uq_baselines_key_result_subject_version UNIQUE (key_result, subject, version) );

CREATE TABLE due_dates ( id INTEGER NOT NULL, source VARCHAR NOT NULL, thing VARCHAR NOT NULL, due DATE, seen_at DATETIME NOT NULL, run_id INTEGER NOT NULL, CONSTRAINT pk_due_dates PRIMARY KEY (id), CONSTRAINT fk_due_dates_run_id_runs FOREIGN KEY(run_id) REFERENCES runs (id) );

CREATE INDEX ix_due_dates_source_thing ON due_dates (source, thing);

CREATE TABLE superseded_points ( id INTEGER NOT NULL, kind VARCHAR NOT NULL, subject VARCHAR NOT NULL, slot DATETIME NOT NULL, said VARCHAR NOT NULL, backfilled BOOLEAN NOT NULL, recorded_at DATETIME NOT NULL, written_by INTEGER NOT NULL, superseded_at DATETIME NOT NULL, run_id INTEGER NOT NULL, CONSTRAINT pk_superseded_points PRIMARY KEY (id), CONSTRAINT fk_superseded_points_written_by_runs FOREIGN KEY(written_by) REFERENCES runs (id), CONSTRAINT fk_superseded_points_run_id_runs FOREIGN KEY(run_id) REFERENCES runs (id) );

CREATE INDEX ix_superseded_points_kind_subject ON superseded_points (kind, subject);

CREATE TABLE pushed ( id INTEGER NOT NULL, metric VARCHAR NOT NULL, valid_time DATETIME NOT NULL, revision INTEGER NOT NULL, value FLOAT NOT NULL, evidence VARCHAR NOT NULL, token VARCHAR NOT NULL, received_at DATETIME NOT NULL, CONSTRAINT pk_pushed PRIMARY KEY (id), CONSTRAINT uq_pushed_metric_valid_time_revision UNIQUE (metric, valid_time, revision), CONSTRAINT ck_pushed_value_finite CHECK (value BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308) );

CREATE TABLE tokens ( id INTEGER NOT NULL, name VARCHAR NOT NULL, sha256 VARCHAR NOT NULL, metrics VARCHAR NOT NULL, author VARCHAR NOT NULL, made_at DATETIME NOT NULL, expires DATETIME NOT NULL, revoked_at DATETIME, revoked_by VARCHAR, CONSTRAINT pk_tokens PRIMARY KEY (id), CONSTRAINT uq_tokens_sha256 UNIQUE (sha256) );

CREATE INDEX ix_tokens_name ON tokens (name);

CREATE TABLE suspicions ( id INTEGER NOT NULL, subject VARCHAR NOT NULL, verdict VARCHAR NOT NULL, reason VARCHAR NOT NULL, at DATETIME NOT NULL, question VARCHAR NOT NULL, value FLOAT, rows INTEGER NOT NULL, missing VARCHAR NOT NULL, author VARCHAR, run_id INTEGER, CONSTRAINT pk_suspicions PRIMARY KEY (id), CONSTRAINT ck_suspicions_value_finite CHECK (value BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308), CONSTRAINT fk_suspicions_run_id_runs FOREIGN KEY(run_id) REFERENCES runs (id) );

CREATE INDEX ix_suspicions_subject ON suspicions (subject);

CREATE TABLE slots ( schedule VARCHAR NOT NULL, due DATETIME NOT NULL, run_id INTEGER NOT NULL, attempts INTEGER NOT NULL, CONSTRAINT pk_slots PRIMARY KEY (schedule, due), CONSTRAINT fk_slots_run_id_runs FOREIGN KEY(run_id) REFERENCES runs (id) );

CREATE INDEX ix_slots_run_id ON slots (run_id);

CREATE TABLE breakers ( source VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL, trouble VARCHAR NOT NULL, since DATETIME NOT NULL, at DATETIME NOT NULL, failures INTEGER NOT NULL, next_try DATETIME, error VARCHAR NOT NULL, fix VARCHAR NOT NULL, CONSTRAINT pk_breakers PRIMARY KEY (source) );

CREATE INDEX ix_memberships_source_item ON memberships (source, item);

CREATE INDEX ix_work_items_source_parent ON work_items (source, parent);

CREATE TABLE troubles ( id INTEGER NOT NULL, kind VARCHAR NOT NULL, subject VARCHAR NOT NULL, since DATETIME NOT NULL, reason VARCHAR NOT NULL, resolved_at DATETIME, CONSTRAINT pk_troubles PRIMARY KEY (id), CONSTRAINT uq_troubles_kind_subject_since UNIQUE (kind, subject, since) );

CREATE INDEX ix_troubles_resolved_at ON troubles (resolved_at);

CREATE TABLE outbox ( id INTEGER NOT NULL, "key" VARCHAR NOT NULL, channel VARCHAR NOT NULL, event VARCHAR NOT NULL, kind VARCHAR NOT NULL, subject VARCHAR NOT NULL, at DATETIME NOT NULL, since DATETIME NOT NULL, reason VARCHAR NOT NULL, state VARCHAR NOT NULL, tries INTEGER NOT NULL, try_at DATETIME NOT NULL, ended_at DATETIME, error VARCHAR, CONSTRAINT pk_outbox PRIMARY KEY (id), CONSTRAINT uq_outbox_key UNIQUE ("key") );

CREATE INDEX ix_outbox_state ON outbox (state);

CREATE TABLE good_configs ( file VARCHAR NOT NULL, sha256 VARCHAR NOT NULL, texts VARCHAR NOT NULL, saved_at DATETIME NOT NULL, broken_since DATETIME, mistake VARCHAR, CONSTRAINT pk_good_configs PRIMARY KEY (file) );

CREATE TABLE point_series ( id INTEGER NOT NULL, kind VARCHAR NOT NULL, subject VARCHAR NOT NULL, CONSTRAINT pk_point_series PRIMARY KEY (id), CONSTRAINT uq_point_series_subject_kind UNIQUE (subject, kind) );

CREATE TABLE point_contexts ( id INTEGER NOT NULL, digest VARCHAR NOT NULL, status VARCHAR NOT NULL, definition VARCHAR NOT NULL, question VARCHAR, baseline FLOAT, target FLOAT, clamped BOOLEAN DEFAULT 0 NOT NULL, CONSTRAINT pk_point_contexts PRIMARY KEY (id), CONSTRAINT uq_point_contexts_digest UNIQUE (digest), CONSTRAINT ck_point_contexts_baseline_finite CHECK (baseline BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308), CONSTRAINT ck_point_contexts_target_finite CHECK (target BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308) );

CREATE TABLE point_stamps ( id INTEGER NOT NULL, run_id INTEGER NOT NULL, at BIGINT, backfilled BOOLEAN DEFAULT 0 NOT NULL, recorded_at BIGINT, CONSTRAINT pk_point_stamps PRIMARY KEY (id), CONSTRAINT fk_point_stamps_run_id_runs FOREIGN KEY(run_id) REFERENCES runs (id) );

CREATE INDEX ix_point_stamps_run_id ON point_stamps (run_id);

CREATE TABLE point_values ( slot BIGINT NOT NULL, value FLOAT, progress FLOAT, score FLOAT, series INTEGER NOT NULL, context INTEGER NOT NULL, stamp INTEGER NOT NULL, CONSTRAINT pk_point_values PRIMARY KEY (series, slot), CONSTRAINT fk_point_values_series_point_series FOREIGN KEY(series) REFERENCES point_series (id), CONSTRAINT fk_point_values_context_point_contexts FOREIGN KEY(context) REFERENCES point_contexts (id), CONSTRAINT fk_point_values_stamp_point_stamps FOREIGN KEY(stamp) REFERENCES point_stamps (id), CONSTRAINT ck_point_values_value_finite CHECK (value BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308), CONSTRAINT ck_point_values_progress_finite CHECK (progress BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308), CONSTRAINT ck_point_values_score_finite CHECK (score BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308) ) WITHOUT ROWID;

CREATE TABLE delivery_values ( slot BIGINT NOT NULL, weight_done FLOAT, weight_total FLOAT, progress FLOAT, series INTEGER NOT NULL, context INTEGER NOT NULL, stamp INTEGER NOT NULL, done INTEGER, in_progress INTEGER, open INTEGER, dropped INTEGER, CONSTRAINT pk_delivery_values PRIMARY KEY (series, slot), CONSTRAINT fk_delivery_values_series_point_series FOREIGN KEY(series) REFERENCES point_series (id), CONSTRAINT fk_delivery_values_context_point_contexts FOREIGN KEY(context) REFERENCES point_contexts (id), CONSTRAINT fk_delivery_values_stamp_point_stamps FOREIGN KEY(stamp) REFERENCES point_stamps (id), CONSTRAINT ck_delivery_values_weight_done_finite CHECK (weight_done BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308), CONSTRAINT ck_delivery_values_weight_total_finite CHECK (weight_total BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308), CONSTRAINT ck_delivery_values_progress_finite CHECK (progress BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308) ) WITHOUT ROWID;

CREATE VIEW points AS SELECT s.kind AS kind, s.subject AS subject, strftime('%Y-%m-%d %H:%M:%S', (v.slot - ((v.slot % 1000000 + 1000000) % 1000000)) / 1000000, 'unixepoch') || printf('.%06d', ((v.slot % 1000000 + 1000000) % 1000000)) AS slot, strftime('%Y-%m-%d %H:%M:%S', (coalesce(t.at, v.slot) - ((coalesce(t.at, v.slot) % 1000000 + 1000000) % 1000000)) / 1000000, 'unixepoch') || printf('.%06d', ((coalesce(t.at, v.slot) % 1000000 + 1000000) % 1000000)) AS at, v.value AS value, c.baseline AS baseline, c.target AS target, v.progress AS progress, CASE WHEN NOT c.clamped THEN v.score WHEN v.progress < 0 THEN 0.0 WHEN v.progress > 1 THEN 1.0 ELSE v.progress END AS score, c.status AS status, c.definition AS definition, t.backfilled AS backfilled, strftime('%Y-%m-%d %H:%M:%S', (t.recorded_at - ((t.recorded_at % 1000000 + 1000000) % 1000000)) / 1000000, 'unixepoch') || printf('.%06d', ((t.recorded_at % 1000000 + 1000000) % 1000000)) AS recorded_at, t.run_id AS run_id, c.question AS question FROM point_values v JOIN point_series s ON s.id = v.series JOIN point_contexts c ON c.id = v.context JOIN point_stamps t ON t.id = v.stamp;

CREATE VIEW delivery_points AS SELECT s.subject AS initiative, strftime('%Y-%m-%d %H:%M:%S', (v.slot - ((v.slot % 1000000 + 1000000) % 1000000)) / 1000000, 'unixepoch') || printf('.%06d', ((v.slot % 1000000 + 1000000) % 1000000)) AS slot, strftime('%Y-%m-%d %H:%M:%S', (coalesce(t.at, v.slot) - ((coalesce(t.at, v.slot) % 1000000 + 1000000) % 1000000)) / 1000000, 'unixepoch') || printf('.%06d', ((coalesce(t.at, v.slot) % 1000000 + 1000000) % 1000000)) AS at, v.done AS done, v.in_progress AS in_progress, v.open AS open, v.dropped AS dropped, v.weight_done AS weight_done, v.weight_total AS weight_total, v.progress AS progress, c.status AS state, t.backfilled AS backfilled, strftime('%Y-%m-%d %H:%M:%S', (t.recorded_at - ((t.recorded_at % 1000000 + 1000000) % 1000000)) / 1000000, 'unixepoch') || printf('.%06d', ((t.recorded_at % 1000000 + 1000000) % 1000000)) AS recorded_at, t.run_id AS run_id, c.question AS question FROM delivery_values v JOIN point_series s ON s.id = v.series JOIN point_contexts c ON c.id = v.context JOIN point_stamps t ON t.id = v.stamp;

CREATE TABLE pull_stages ( source VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL, begun_at DATETIME NOT NULL, CONSTRAINT pk_pull_stages PRIMARY KEY (source) );

CREATE TABLE staged_answers ( source VARCHAR NOT NULL, question VARCHAR NOT NULL, answer BLOB NOT NULL, CONSTRAINT pk_staged_answers PRIMARY KEY (source, question) );

CREATE TABLE etags ( source VARCHAR NOT NULL, address VARCHAR NOT NULL, credential VARCHAR NOT NULL, etag VARCHAR NOT NULL, body BLOB NOT NULL, size INTEGER NOT NULL, used_at DATETIME NOT NULL, CONSTRAINT pk_etags PRIMARY KEY (source, address) );

CREATE TABLE turns ( id INTEGER NOT NULL, owner VARCHAR NOT NULL, asked DATETIME NOT NULL, until DATETIME NOT NULL, CONSTRAINT pk_turns PRIMARY KEY (id) );

CREATE TABLE tallies ( source VARCHAR NOT NULL, container VARCHAR NOT NULL, since DATETIME NOT NULL, body VARCHAR, CONSTRAINT pk_tallies PRIMARY KEY (source, container) );

CREATE INDEX ix_work_items_absent ON work_items (source) WHERE absence IS NOT NULL;

CREATE TABLE housekeeping ( due DATETIME NOT NULL, owner VARCHAR NOT NULL, started DATETIME NOT NULL, until DATETIME NOT NULL, finished DATETIME, removed VARCHAR, size BIGINT, error VARCHAR, CONSTRAINT pk_housekeeping PRIMARY KEY (due) );

INSERT INTO alembic_version (version_num) VALUES ('0019')
