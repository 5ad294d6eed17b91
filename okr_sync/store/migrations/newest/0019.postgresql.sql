CREATE TABLE alembic_version (
  "version_num" character varying(32) NOT NULL,
  CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE baselines (
  "id" SERIAL NOT NULL,
  "key_result" character varying COLLATE "C" NOT NULL,
  "subject" character varying COLLATE "C" NOT NULL,
  "version" integer NOT NULL,
  "value" double precision NOT NULL,
  "how" character varying COLLATE "C" NOT NULL,
  "time" timestamp with time zone NOT NULL,
  "readings" integer NOT NULL,
  "evidence" character varying COLLATE "C" NOT NULL,
  "question" character varying COLLATE "C" NOT NULL,
  "start" timestamp with time zone NOT NULL,
  "at" timestamp with time zone NOT NULL,
  "author" character varying COLLATE "C" NOT NULL,
  "reason" character varying COLLATE "C" NOT NULL,
  "run_id" integer NOT NULL,
  CONSTRAINT ck_baselines_value_finite CHECK (((value >= ('-179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision) AND (value <= ('179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision))),
  CONSTRAINT pk_baselines PRIMARY KEY (id),
  CONSTRAINT uq_baselines_key_result_subject_version UNIQUE (key_result, subject, version)
);

CREATE TABLE breakers (
  "source" character varying COLLATE "C" NOT NULL,
  "fingerprint" character varying COLLATE "C" NOT NULL,
  "trouble" character varying COLLATE "C" NOT NULL,
  "since" timestamp with time zone NOT NULL,
  "at" timestamp with time zone NOT NULL,
  "failures" integer NOT NULL,
  "next_try" timestamp with time zone,
  "error" character varying COLLATE "C" NOT NULL,
  "fix" character varying COLLATE "C" NOT NULL,
  CONSTRAINT pk_breakers PRIMARY KEY (source)
);

CREATE TABLE check_ins (
  "id" SERIAL NOT NULL,
  "at" timestamp with time zone NOT NULL,
  "key_result" character varying COLLATE "C" NOT NULL,
  "metric" character varying COLLATE "C",
  "author" character varying COLLATE "C" NOT NULL,
  "value" double precision,
  "confidence" double precision,
  "note" character varying COLLATE "C" NOT NULL,
  "blockers" character varying COLLATE "C" NOT NULL,
  "done" boolean,
  "expires" timestamp with time zone,
  CONSTRAINT ck_check_ins_confidence_finite CHECK (((confidence >= ('-179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision) AND (confidence <= ('179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision))),
  CONSTRAINT ck_check_ins_value_finite CHECK (((value >= ('-179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision) AND (value <= ('179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision))),
  CONSTRAINT pk_check_ins PRIMARY KEY (id)
);

CREATE TABLE closings (
  "id" SERIAL NOT NULL,
  "cycle" character varying COLLATE "C" NOT NULL,
  "action" character varying COLLATE "C" NOT NULL,
  "at" timestamp with time zone NOT NULL,
  "author" character varying COLLATE "C" NOT NULL,
  "note" character varying COLLATE "C" NOT NULL,
  "body" character varying COLLATE "C",
  "sha256" character varying COLLATE "C",
  "run_id" integer NOT NULL,
  CONSTRAINT pk_closings PRIMARY KEY (id)
);

CREATE TABLE containers (
  "source" character varying COLLATE "C" NOT NULL,
  "id" character varying COLLATE "C" NOT NULL,
  "key" character varying COLLATE "C" NOT NULL,
  "title" character varying COLLATE "C" NOT NULL,
  "url" character varying COLLATE "C" NOT NULL,
  "kind" character varying COLLATE "C" NOT NULL,
  "state" character varying COLLATE "C" NOT NULL,
  "resolution" character varying COLLATE "C",
  "due" date,
  "done_at" timestamp with time zone,
  "run_id" integer NOT NULL,
  "past_since" timestamp with time zone,
  CONSTRAINT pk_containers PRIMARY KEY (source, id)
);

CREATE TABLE definitions (
  "id" SERIAL NOT NULL,
  "kind" character varying COLLATE "C" NOT NULL,
  "subject" character varying COLLATE "C" NOT NULL,
  "version" integer NOT NULL,
  "hash" character varying COLLATE "C" NOT NULL,
  "body" character varying COLLATE "C" NOT NULL,
  "since" timestamp with time zone NOT NULL,
  "until" timestamp with time zone,
  "author" character varying COLLATE "C" NOT NULL,
  "reason" character varying COLLATE "C" NOT NULL,
  "run_id" integer,
  CONSTRAINT pk_definitions PRIMARY KEY (id),
  CONSTRAINT uq_definitions_kind_subject_version UNIQUE (kind, subject, version)
);

CREATE TABLE delivery_values (
  "slot" bigint NOT NULL,
  "weight_done" double precision,
  "weight_total" double precision,
  "progress" double precision,
  "series" integer NOT NULL,
  "context" integer NOT NULL,
  "stamp" integer NOT NULL,
  "done" integer,
  "in_progress" integer,
  "open" integer,
  "dropped" integer,
  CONSTRAINT ck_delivery_values_progress_finite CHECK (((progress >= ('-179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision) AND (progress <= ('179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision))),
  CONSTRAINT ck_delivery_values_weight_done_finite CHECK (((weight_done >= ('-179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision) AND (weight_done <= ('179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision))),
  CONSTRAINT ck_delivery_values_weight_total_finite CHECK (((weight_total >= ('-179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision) AND (weight_total <= ('179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision))),
  CONSTRAINT pk_delivery_values PRIMARY KEY (series, slot)
);

CREATE TABLE due_dates (
  "id" SERIAL NOT NULL,
  "source" character varying COLLATE "C" NOT NULL,
  "thing" character varying COLLATE "C" NOT NULL,
  "due" date,
  "seen_at" timestamp with time zone NOT NULL,
  "run_id" integer NOT NULL,
  CONSTRAINT pk_due_dates PRIMARY KEY (id)
);

CREATE TABLE etags (
  "source" character varying COLLATE "C" NOT NULL,
  "address" character varying COLLATE "C" NOT NULL,
  "credential" character varying COLLATE "C" NOT NULL,
  "etag" character varying COLLATE "C" NOT NULL,
  "body" bytea NOT NULL,
  "size" integer NOT NULL,
  "used_at" timestamp with time zone NOT NULL,
  CONSTRAINT pk_etags PRIMARY KEY (source, address)
);

CREATE TABLE good_configs (
  "file" character varying COLLATE "C" NOT NULL,
  "sha256" character varying COLLATE "C" NOT NULL,
  "texts" character varying COLLATE "C" NOT NULL,
  "saved_at" timestamp with time zone NOT NULL,
  "broken_since" timestamp with time zone,
  "mistake" character varying COLLATE "C",
  CONSTRAINT pk_good_configs PRIMARY KEY (file)
);

CREATE TABLE housekeeping (
  "due" timestamp with time zone NOT NULL,
  "owner" character varying COLLATE "C" NOT NULL,
  "started" timestamp with time zone NOT NULL,
  "until" timestamp with time zone NOT NULL,
  "finished" timestamp with time zone,
  "removed" character varying COLLATE "C",
  "size" bigint,
  "error" character varying COLLATE "C",
  CONSTRAINT pk_housekeeping PRIMARY KEY (due)
);

CREATE TABLE latest (
  "kind" character varying COLLATE "C" NOT NULL,
  "subject" character varying COLLATE "C" NOT NULL,
  "position" integer NOT NULL,
  "body" character varying COLLATE "C" NOT NULL,
  "point" character varying COLLATE "C" NOT NULL,
  "changed_at" timestamp with time zone NOT NULL,
  "run_id" integer NOT NULL,
  CONSTRAINT pk_latest PRIMARY KEY (kind, subject)
);

CREATE TABLE memberships (
  "id" SERIAL NOT NULL,
  "source" character varying COLLATE "C" NOT NULL,
  "container" character varying COLLATE "C" NOT NULL,
  "item" character varying COLLATE "C" NOT NULL,
  "since" timestamp with time zone NOT NULL,
  "until" timestamp with time zone,
  "run_id" integer NOT NULL,
  "valid_since" timestamp with time zone,
  "valid_until" timestamp with time zone,
  CONSTRAINT pk_memberships PRIMARY KEY (id)
);

CREATE TABLE metric_states (
  "metric" character varying COLLATE "C" NOT NULL,
  "source" character varying COLLATE "C" NOT NULL,
  "miss_kind" character varying COLLATE "C",
  "miss_message" character varying COLLATE "C",
  "since" timestamp with time zone NOT NULL,
  "run_id" integer NOT NULL,
  "past_question" character varying COLLATE "C",
  CONSTRAINT pk_metric_states PRIMARY KEY (metric)
);

CREATE TABLE observations (
  "id" SERIAL NOT NULL,
  "metric" character varying COLLATE "C" NOT NULL,
  "valid_time" timestamp with time zone NOT NULL,
  "dated" boolean NOT NULL,
  "value" double precision NOT NULL,
  "evidence" character varying COLLATE "C" NOT NULL,
  "author" character varying COLLATE "C",
  "expires" timestamp with time zone,
  "retracted" boolean NOT NULL,
  "recorded_at" timestamp with time zone NOT NULL,
  "run_id" integer,
  "question" character varying COLLATE "C",
  CONSTRAINT ck_observations_value_finite CHECK (((value >= ('-179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision) AND (value <= ('179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision))),
  CONSTRAINT pk_observations PRIMARY KEY (id)
);

CREATE TABLE outbox (
  "id" SERIAL NOT NULL,
  "key" character varying COLLATE "C" NOT NULL,
  "channel" character varying COLLATE "C" NOT NULL,
  "event" character varying COLLATE "C" NOT NULL,
  "kind" character varying COLLATE "C" NOT NULL,
  "subject" character varying COLLATE "C" NOT NULL,
  "at" timestamp with time zone NOT NULL,
  "since" timestamp with time zone NOT NULL,
  "reason" character varying COLLATE "C" NOT NULL,
  "state" character varying COLLATE "C" NOT NULL,
  "tries" integer NOT NULL,
  "try_at" timestamp with time zone NOT NULL,
  "ended_at" timestamp with time zone,
  "error" character varying COLLATE "C",
  CONSTRAINT pk_outbox PRIMARY KEY (id),
  CONSTRAINT uq_outbox_key UNIQUE (key)
);

CREATE TABLE overrides (
  "id" SERIAL NOT NULL,
  "at" timestamp with time zone NOT NULL,
  "key_result" character varying COLLATE "C" NOT NULL,
  "author" character varying COLLATE "C" NOT NULL,
  "status" character varying COLLATE "C",
  "reason" character varying COLLATE "C" NOT NULL,
  "expires" timestamp with time zone,
  CONSTRAINT pk_overrides PRIMARY KEY (id)
);

CREATE TABLE point_contexts (
  "id" SERIAL NOT NULL,
  "digest" character varying COLLATE "C" NOT NULL,
  "status" character varying COLLATE "C" NOT NULL,
  "definition" character varying COLLATE "C" NOT NULL,
  "question" character varying COLLATE "C",
  "baseline" double precision,
  "target" double precision,
  "clamped" boolean DEFAULT false NOT NULL,
  CONSTRAINT ck_point_contexts_baseline_finite CHECK (((baseline >= ('-179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision) AND (baseline <= ('179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision))),
  CONSTRAINT ck_point_contexts_target_finite CHECK (((target >= ('-179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision) AND (target <= ('179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision))),
  CONSTRAINT pk_point_contexts PRIMARY KEY (id),
  CONSTRAINT uq_point_contexts_digest UNIQUE (digest)
);

CREATE TABLE point_series (
  "id" SERIAL NOT NULL,
  "kind" character varying COLLATE "C" NOT NULL,
  "subject" character varying COLLATE "C" NOT NULL,
  CONSTRAINT pk_point_series PRIMARY KEY (id),
  CONSTRAINT uq_point_series_subject_kind UNIQUE (subject, kind)
);

CREATE TABLE point_stamps (
  "id" SERIAL NOT NULL,
  "run_id" integer NOT NULL,
  "at" bigint,
  "backfilled" boolean DEFAULT false NOT NULL,
  "recorded_at" bigint,
  CONSTRAINT pk_point_stamps PRIMARY KEY (id)
);

CREATE TABLE point_values (
  "slot" bigint NOT NULL,
  "value" double precision,
  "progress" double precision,
  "score" double precision,
  "series" integer NOT NULL,
  "context" integer NOT NULL,
  "stamp" integer NOT NULL,
  CONSTRAINT ck_point_values_progress_finite CHECK (((progress >= ('-179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision) AND (progress <= ('179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision))),
  CONSTRAINT ck_point_values_score_finite CHECK (((score >= ('-179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision) AND (score <= ('179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision))),
  CONSTRAINT ck_point_values_value_finite CHECK (((value >= ('-179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision) AND (value <= ('179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision))),
  CONSTRAINT pk_point_values PRIMARY KEY (series, slot)
);

CREATE TABLE pull_stages (
  "source" character varying COLLATE "C" NOT NULL,
  "fingerprint" character varying COLLATE "C" NOT NULL,
  "begun_at" timestamp with time zone NOT NULL,
  CONSTRAINT pk_pull_stages PRIMARY KEY (source)
);

CREATE TABLE pushed (
  "id" SERIAL NOT NULL,
  "metric" character varying COLLATE "C" NOT NULL,
  "valid_time" timestamp with time zone NOT NULL,
  "revision" integer NOT NULL,
  "value" double precision NOT NULL,
  "evidence" character varying COLLATE "C" NOT NULL,
  "token" character varying COLLATE "C" NOT NULL,
  "received_at" timestamp with time zone NOT NULL,
  CONSTRAINT ck_pushed_value_finite CHECK (((value >= ('-179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision) AND (value <= ('179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision))),
  CONSTRAINT pk_pushed PRIMARY KEY (id),
  CONSTRAINT uq_pushed_metric_valid_time_revision UNIQUE (metric, valid_time, revision)
);

CREATE TABLE report_marks (
  "id" SERIAL NOT NULL,
  "name" character varying COLLATE "C" NOT NULL,
  "run_id" integer,
  "at" timestamp with time zone NOT NULL,
  CONSTRAINT pk_report_marks PRIMARY KEY (id)
);

CREATE TABLE run_entries (
  "run_id" integer NOT NULL,
  "key_result" character varying COLLATE "C" NOT NULL,
  "outcome" character varying COLLATE "C" NOT NULL,
  "reason" character varying COLLATE "C" NOT NULL,
  "fix" character varying COLLATE "C" NOT NULL,
  CONSTRAINT pk_run_entries PRIMARY KEY (run_id, key_result)
);

CREATE TABLE run_sources (
  "run_id" integer NOT NULL,
  "source" character varying COLLATE "C" NOT NULL,
  "outcome" character varying COLLATE "C" NOT NULL,
  "error" character varying COLLATE "C",
  "fix" character varying COLLATE "C",
  "requests" integer NOT NULL,
  "retries" integer NOT NULL,
  "seconds" double precision NOT NULL,
  "seen" integer NOT NULL,
  "changed" integer NOT NULL,
  "received" bigint,
  "not_modified" integer,
  "points" integer,
  "kept" integer,
  CONSTRAINT pk_run_sources PRIMARY KEY (run_id, source)
);

CREATE TABLE runs (
  "id" SERIAL NOT NULL,
  "trigger" character varying COLLATE "C" NOT NULL,
  "owner" character varying COLLATE "C" NOT NULL,
  "outcome" character varying COLLATE "C" NOT NULL,
  "started" timestamp with time zone NOT NULL,
  "finished" timestamp with time zone,
  "lease" character varying COLLATE "C",
  "lease_until" timestamp with time zone NOT NULL,
  "evaluated_at" timestamp with time zone,
  "summary" character varying COLLATE "C" NOT NULL,
  "deadline" timestamp with time zone,
  CONSTRAINT pk_runs PRIMARY KEY (id),
  CONSTRAINT uq_runs_lease UNIQUE (lease)
);

CREATE TABLE scopes (
  "ref" character varying COLLATE "C" NOT NULL,
  "source" character varying COLLATE "C" NOT NULL,
  "containers" character varying COLLATE "C" NOT NULL,
  "resolved" boolean NOT NULL,
  "miss_kind" character varying COLLATE "C",
  "miss_message" character varying COLLATE "C",
  "since" timestamp with time zone NOT NULL,
  "run_id" integer NOT NULL,
  "question" character varying COLLATE "C",
  CONSTRAINT pk_scopes PRIMARY KEY (ref)
);

CREATE TABLE slots (
  "schedule" character varying COLLATE "C" NOT NULL,
  "due" timestamp with time zone NOT NULL,
  "run_id" integer NOT NULL,
  "attempts" integer NOT NULL,
  CONSTRAINT pk_slots PRIMARY KEY (schedule, due)
);

CREATE TABLE source_states (
  "name" character varying COLLATE "C" NOT NULL,
  "cursor" character varying COLLATE "C",
  "last_asked" timestamp with time zone,
  "last_success" timestamp with time zone,
  "fresh_seconds" double precision,
  "declared" boolean NOT NULL,
  "error" character varying COLLATE "C",
  "fix" character varying COLLATE "C",
  CONSTRAINT pk_source_states PRIMARY KEY (name)
);

CREATE TABLE staged_answers (
  "source" character varying COLLATE "C" NOT NULL,
  "question" character varying COLLATE "C" NOT NULL,
  "answer" bytea NOT NULL,
  CONSTRAINT pk_staged_answers PRIMARY KEY (source, question)
);

CREATE TABLE superseded_points (
  "id" SERIAL NOT NULL,
  "kind" character varying COLLATE "C" NOT NULL,
  "subject" character varying COLLATE "C" NOT NULL,
  "slot" timestamp with time zone NOT NULL,
  "said" character varying COLLATE "C" NOT NULL,
  "backfilled" boolean NOT NULL,
  "recorded_at" timestamp with time zone NOT NULL,
  "written_by" integer NOT NULL,
  "superseded_at" timestamp with time zone NOT NULL,
  "run_id" integer NOT NULL,
  CONSTRAINT pk_superseded_points PRIMARY KEY (id)
);

CREATE TABLE suspicions (
  "id" SERIAL NOT NULL,
  "subject" character varying COLLATE "C" NOT NULL,
  "verdict" character varying COLLATE "C" NOT NULL,
  "reason" character varying COLLATE "C" NOT NULL,
  "at" timestamp with time zone NOT NULL,
  "question" character varying COLLATE "C" NOT NULL,
  "value" double precision,
  "rows" integer NOT NULL,
  "missing" character varying COLLATE "C" NOT NULL,
  "author" character varying COLLATE "C",
  "run_id" integer,
  CONSTRAINT ck_suspicions_value_finite CHECK (((value >= ('-179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision) AND (value <= ('179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision))),
  CONSTRAINT pk_suspicions PRIMARY KEY (id)
);

CREATE TABLE tallies (
  "source" character varying COLLATE "C" NOT NULL,
  "container" character varying COLLATE "C" NOT NULL,
  "since" timestamp with time zone NOT NULL,
  "body" character varying COLLATE "C",
  CONSTRAINT pk_tallies PRIMARY KEY (source, container)
);

CREATE TABLE tokens (
  "id" SERIAL NOT NULL,
  "name" character varying COLLATE "C" NOT NULL,
  "sha256" character varying COLLATE "C" NOT NULL,
  "metrics" character varying COLLATE "C" NOT NULL,
  "author" character varying COLLATE "C" NOT NULL,
  "made_at" timestamp with time zone NOT NULL,
  "expires" timestamp with time zone NOT NULL,
  "revoked_at" timestamp with time zone,
  "revoked_by" character varying COLLATE "C",
  CONSTRAINT pk_tokens PRIMARY KEY (id),
  CONSTRAINT uq_tokens_sha256 UNIQUE (sha256)
);

CREATE TABLE transitions (
  "id" SERIAL NOT NULL,
  "source" character varying COLLATE "C" NOT NULL,
  "item" character varying COLLATE "C" NOT NULL,
  "field" character varying COLLATE "C" NOT NULL,
  "before" character varying COLLATE "C",
  "after" character varying COLLATE "C",
  "at" timestamp with time zone NOT NULL,
  "recorded_at" timestamp with time zone NOT NULL,
  "run_id" integer NOT NULL,
  "logged" boolean DEFAULT false NOT NULL,
  CONSTRAINT pk_transitions PRIMARY KEY (id)
);

CREATE TABLE troubles (
  "id" SERIAL NOT NULL,
  "kind" character varying COLLATE "C" NOT NULL,
  "subject" character varying COLLATE "C" NOT NULL,
  "since" timestamp with time zone NOT NULL,
  "reason" character varying COLLATE "C" NOT NULL,
  "resolved_at" timestamp with time zone,
  CONSTRAINT pk_troubles PRIMARY KEY (id),
  CONSTRAINT uq_troubles_kind_subject_since UNIQUE (kind, subject, since)
);

CREATE TABLE turns (
  "id" SERIAL NOT NULL,
  "owner" character varying COLLATE "C" NOT NULL,
  "asked" timestamp with time zone NOT NULL,
  "until" timestamp with time zone NOT NULL,
  CONSTRAINT pk_turns PRIMARY KEY (id)
);

CREATE TABLE work_items (
  "source" character varying COLLATE "C" NOT NULL,
  "id" character varying COLLATE "C" NOT NULL,
  "key" character varying COLLATE "C" NOT NULL,
  "title" character varying COLLATE "C" NOT NULL,
  "url" character varying COLLATE "C" NOT NULL,
  "kind" character varying COLLATE "C" NOT NULL,
  "state" character varying COLLATE "C" NOT NULL,
  "resolution" character varying COLLATE "C",
  "parent" character varying COLLATE "C",
  "points" double precision,
  "created" timestamp with time zone,
  "done_at" timestamp with time zone,
  "updated" timestamp with time zone,
  "due" date,
  "labels" character varying COLLATE "C" NOT NULL,
  "absence" character varying COLLATE "C",
  "absent_since" timestamp with time zone,
  "run_id" integer NOT NULL,
  "past_since" timestamp with time zone,
  "past_until" timestamp with time zone,
  CONSTRAINT ck_work_items_points_finite CHECK (((points >= ('-179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision) AND (points <= ('179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision))),
  CONSTRAINT pk_work_items PRIMARY KEY (source, id)
);

ALTER TABLE baselines ADD CONSTRAINT fk_baselines_run_id_runs FOREIGN KEY (run_id) REFERENCES runs(id);

ALTER TABLE closings ADD CONSTRAINT fk_closings_run_id_runs FOREIGN KEY (run_id) REFERENCES runs(id);

ALTER TABLE containers ADD CONSTRAINT fk_containers_run_id_runs FOREIGN KEY (run_id) REFERENCES runs(id);

ALTER TABLE definitions ADD CONSTRAINT fk_definitions_run_id_runs FOREIGN KEY (run_id) REFERENCES runs(id);

ALTER TABLE delivery_values ADD CONSTRAINT fk_delivery_values_context_point_contexts FOREIGN KEY (context) REFERENCES point_contexts(id);

ALTER TABLE delivery_values ADD CONSTRAINT fk_delivery_values_series_point_series FOREIGN KEY (series) REFERENCES point_series(id);

ALTER TABLE delivery_values ADD CONSTRAINT fk_delivery_values_stamp_point_stamps FOREIGN KEY (stamp) REFERENCES point_stamps(id);

ALTER TABLE due_dates ADD CONSTRAINT fk_due_dates_run_id_runs FOREIGN KEY (run_id) REFERENCES runs(id);

ALTER TABLE latest ADD CONSTRAINT fk_latest_run_id_runs FOREIGN KEY (run_id) REFERENCES runs(id);

ALTER TABLE memberships ADD CONSTRAINT fk_memberships_run_id_runs FOREIGN KEY (run_id) REFERENCES runs(id);

ALTER TABLE metric_states ADD CONSTRAINT fk_metric_states_run_id_runs FOREIGN KEY (run_id) REFERENCES runs(id);

ALTER TABLE observations ADD CONSTRAINT fk_observations_run_id_runs FOREIGN KEY (run_id) REFERENCES runs(id);

ALTER TABLE point_stamps ADD CONSTRAINT fk_point_stamps_run_id_runs FOREIGN KEY (run_id) REFERENCES runs(id);

ALTER TABLE point_values ADD CONSTRAINT fk_point_values_context_point_contexts FOREIGN KEY (context) REFERENCES point_contexts(id);

ALTER TABLE point_values ADD CONSTRAINT fk_point_values_series_point_series FOREIGN KEY (series) REFERENCES point_series(id);

ALTER TABLE point_values ADD CONSTRAINT fk_point_values_stamp_point_stamps FOREIGN KEY (stamp) REFERENCES point_stamps(id);

ALTER TABLE report_marks ADD CONSTRAINT fk_report_marks_run_id_runs FOREIGN KEY (run_id) REFERENCES runs(id);

ALTER TABLE run_entries ADD CONSTRAINT fk_run_entries_run_id_runs FOREIGN KEY (run_id) REFERENCES runs(id);

ALTER TABLE run_sources ADD CONSTRAINT fk_run_sources_run_id_runs FOREIGN KEY (run_id) REFERENCES runs(id);

ALTER TABLE scopes ADD CONSTRAINT fk_scopes_run_id_runs FOREIGN KEY (run_id) REFERENCES runs(id);

ALTER TABLE slots ADD CONSTRAINT fk_slots_run_id_runs FOREIGN KEY (run_id) REFERENCES runs(id);

ALTER TABLE superseded_points ADD CONSTRAINT fk_superseded_points_run_id_runs FOREIGN KEY (run_id) REFERENCES runs(id);

ALTER TABLE superseded_points ADD CONSTRAINT fk_superseded_points_written_by_runs FOREIGN KEY (written_by) REFERENCES runs(id);

ALTER TABLE suspicions ADD CONSTRAINT fk_suspicions_run_id_runs FOREIGN KEY (run_id) REFERENCES runs(id);

ALTER TABLE transitions ADD CONSTRAINT fk_transitions_run_id_runs FOREIGN KEY (run_id) REFERENCES runs(id);

ALTER TABLE work_items ADD CONSTRAINT fk_work_items_run_id_runs FOREIGN KEY (run_id) REFERENCES runs(id);

CREATE INDEX ix_check_ins_key_result ON check_ins USING btree (key_result);

CREATE INDEX ix_closings_cycle ON closings USING btree (cycle);

CREATE INDEX ix_due_dates_source_thing ON due_dates USING btree (source, thing);

CREATE INDEX ix_memberships_source_container ON memberships USING btree (source, container);

CREATE INDEX ix_memberships_source_item ON memberships USING btree (source, item);

CREATE INDEX ix_observations_metric_valid_time ON observations USING btree (metric, valid_time);

CREATE INDEX ix_outbox_state ON outbox USING btree (state);

CREATE INDEX ix_overrides_key_result ON overrides USING btree (key_result);

CREATE INDEX ix_point_stamps_run_id ON point_stamps USING btree (run_id);

CREATE INDEX ix_report_marks_name ON report_marks USING btree (name);

CREATE INDEX ix_runs_evaluated_at ON runs USING btree (evaluated_at);

CREATE INDEX ix_runs_started ON runs USING btree (started);

CREATE INDEX ix_slots_run_id ON slots USING btree (run_id);

CREATE INDEX ix_superseded_points_kind_subject ON superseded_points USING btree (kind, subject);

CREATE INDEX ix_suspicions_subject ON suspicions USING btree (subject);

CREATE INDEX ix_tokens_name ON tokens USING btree (name);

CREATE INDEX ix_transitions_source_item ON transitions USING btree (source, item);

CREATE INDEX ix_troubles_resolved_at ON troubles USING btree (resolved_at);

CREATE INDEX ix_work_items_absent ON work_items USING btree (source) WHERE (absence IS NOT NULL);

CREATE INDEX ix_work_items_source_parent ON work_items USING btree (source, parent);

CREATE VIEW delivery_points AS SELECT s.subject AS initiative,
    ('1970-01-01 00:00:00+00'::timestamp with time zone + ((v.slot)::double precision * '00:00:00.000001'::interval)) AS slot,
    ('1970-01-01 00:00:00+00'::timestamp with time zone + ((COALESCE(t.at, v.slot))::double precision * '00:00:00.000001'::interval)) AS at,
    v.done,
    v.in_progress,
    v.open,
    v.dropped,
    v.weight_done,
    v.weight_total,
    v.progress,
    c.status AS state,
    t.backfilled,
    ('1970-01-01 00:00:00+00'::timestamp with time zone + ((t.recorded_at)::double precision * '00:00:00.000001'::interval)) AS recorded_at,
    t.run_id,
    c.question
   FROM (((delivery_values v
     JOIN point_series s ON ((s.id = v.series)))
     JOIN point_contexts c ON ((c.id = v.context)))
     JOIN point_stamps t ON ((t.id = v.stamp)));

CREATE VIEW points AS SELECT s.kind,
    s.subject,
    ('1970-01-01 00:00:00+00'::timestamp with time zone + ((v.slot)::double precision * '00:00:00.000001'::interval)) AS slot,
    ('1970-01-01 00:00:00+00'::timestamp with time zone + ((COALESCE(t.at, v.slot))::double precision * '00:00:00.000001'::interval)) AS at,
    v.value,
    c.baseline,
    c.target,
    v.progress,
        CASE
            WHEN (NOT c.clamped) THEN v.score
            WHEN (v.progress < (0)::double precision) THEN (0.0)::double precision
            WHEN (v.progress > (1)::double precision) THEN (1.0)::double precision
            ELSE v.progress
        END AS score,
    c.status,
    c.definition,
    t.backfilled,
    ('1970-01-01 00:00:00+00'::timestamp with time zone + ((t.recorded_at)::double precision * '00:00:00.000001'::interval)) AS recorded_at,
    t.run_id,
    c.question
   FROM (((point_values v
     JOIN point_series s ON ((s.id = v.series)))
     JOIN point_contexts c ON ((c.id = v.context)))
     JOIN point_stamps t ON ((t.id = v.stamp)));

INSERT INTO alembic_version (version_num) VALUES ('0019')
