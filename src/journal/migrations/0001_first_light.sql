-- Intents: what people asked for, written before it is acknowledged. `key` makes a delivery repeated by Slack one row.
create table intents (
  id bigserial primary key,
  key text not null unique,
  kind text not null,
  actor jsonb not null,
  channel text,
  payload jsonb not null,
  state text not null default 'new' check (state in ('new', 'done', 'failed')),
  error jsonb,
  received_at timestamptz not null default now(),
  done_at timestamptz
);
create index intents_new on intents (id) where state = 'new';

-- Events: the story, appended in the transaction that made it true.
create table events (
  id bigserial primary key,
  at timestamptz not null default now(),
  subject_kind text not null,
  subject_id bigint not null,
  kind text not null,
  actor jsonb,
  data jsonb not null default '{}'
);
create index events_subject on events (subject_kind, subject_id, id);

-- Notices: what is to be said once and does not change: answers, reports, notes in a thread.
create table notices (
  id bigserial primary key,
  kind text not null,
  data jsonb not null,
  created_at timestamptz not null default now()
);

-- Messages: one row a subject, channel and part. The publisher posts once and edits until shown = revision.
create table messages (
  id bigserial primary key,
  subject_kind text not null check (subject_kind in ('run', 'incident', 'notice')),
  subject_id bigint not null,
  channel text not null,
  part text not null default 'root',
  thread_of bigint references messages (id),
  person text,
  response_url text,
  urgent boolean not null default false,
  revision integer not null default 1,
  shown integer not null default 0,
  ts text,
  failures integer not null default 0,
  next_try timestamptz not null default now(),
  state text not null default 'live' check (state in ('live', 'failed')),
  error jsonb,
  created_at timestamptz not null default now(),
  posted_at timestamptz,
  unique (subject_kind, subject_id, channel, part)
);
create index messages_due on messages (id) where state = 'live' and shown < revision;

create table runs (
  id bigserial primary key,
  runbook text not null,
  service text not null,
  slot text not null default 'service',
  args jsonb not null default '{}',
  requested_by jsonb not null,
  channel text not null,
  intent_id bigint references intents (id),
  thread_of bigint references messages (id),
  show_only boolean not null default false,
  state text not null default 'planning' check (state in ('planning', 'awaiting_approval', 'queued', 'running',
    'needs_decision', 'undoing', 'succeeded', 'failed', 'undone', 'cancelled', 'rejected', 'expired', 'void', 'shown')),
  plan jsonb,
  plan_hash text,
  approvals_needed integer not null default 1,
  expires_at timestamptz,
  revision integer not null default 1,
  token bigint not null default 0,
  cancel_requested jsonb,
  facts jsonb not null default '{}',
  decision jsonb,
  error jsonb,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  ended_at timestamptz
);
-- One active run per service and slot: held here, not by hope.
create unique index runs_active on runs (service, slot) where state in ('running', 'needs_decision', 'undoing');
create index runs_open on runs (service, id) where state in ('planning', 'awaiting_approval', 'queued', 'running', 'needs_decision', 'undoing');

create table approvals (
  id bigserial primary key,
  run_id bigint not null references runs (id),
  plan_hash text not null,
  person text not null,
  actor jsonb not null,
  decision text not null check (decision in ('approve', 'reject')),
  reason text,
  at timestamptz not null default now(),
  unique (run_id, plan_hash, person)
);

-- Attempts: the intent before the deed, the outcome after. `process` is {host, pid, startedAt} of the last command.
create table attempts (
  id bigserial primary key,
  run_id bigint not null references runs (id),
  step text not null,
  position integer not null,
  direction text not null check (direction in ('do', 'undo')),
  number integer not null,
  token bigint not null,
  holder text not null,
  started_at timestamptz not null default now(),
  ended_at timestamptz,
  outcome text check (outcome in ('done', 'failed', 'interrupted', 'skipped')),
  process jsonb,
  output text not null default '',
  error jsonb,
  unique (run_id, step, direction, number)
);

create table releases (
  id bigserial primary key,
  service text not null,
  version text not null,
  commit text not null,
  run_id bigint references runs (id),
  backup_id bigint,
  notes jsonb not null default '{}',
  at timestamptz not null default now()
);
create index releases_service on releases (service, id);

create table backups (
  id bigserial primary key,
  service text not null,
  run_id bigint references runs (id),
  location text not null,
  manifest jsonb not null,
  bytes bigint not null,
  created_at timestamptz not null default now(),
  verified_at timestamptz
);
create index backups_service on backups (service, id);

-- The newest reading of each check, and where it stands in its K-of-N.
create table check_states (
  service text not null,
  name text not null,
  state text not null check (state in ('ok', 'warning', 'critical', 'unknown')),
  since timestamptz not null,
  reading jsonb not null,
  recent text[] not null default '{}',
  settled text not null default 'ok' check (settled in ('ok', 'warning', 'critical', 'unknown')),
  settled_since timestamptz not null default now(),
  at timestamptz not null,
  primary key (service, name)
);

create table incidents (
  id bigserial primary key,
  service text not null,
  cause text not null,
  severity text not null default 'critical',
  state text not null default 'open' check (state in ('open', 'acknowledged', 'resolved')),
  observed boolean not null default false,
  title text not null,
  opened_at timestamptz not null default now(),
  -- the newest occurrence's beginning: a reopened incident is not broken since its first
  since timestamptz not null default now(),
  occurrences integer not null default 1,
  acknowledged_by jsonb,
  acknowledged_at timestamptz,
  resolved_by jsonb,
  resolved_at timestamptz,
  resolution text,
  revision integer not null default 1
);
create unique index incidents_open on incidents (service, cause) where state <> 'resolved';

create table incident_members (
  incident_id bigint not null references incidents (id),
  check_name text not null,
  state text not null,
  reading jsonb not null,
  since timestamptz not null,
  updated_at timestamptz not null default now(),
  primary key (incident_id, check_name)
);

-- Leases: who holds what till when. `token` grows with every change of hands.
create table leases (
  name text primary key,
  holder text not null,
  token bigint not null default 1,
  until timestamptz not null
);

-- The schedule's ledger: one row a task and due time decides who fires.
create table schedule_ledger (
  task text not null,
  due_at timestamptz not null,
  fired_at timestamptz not null default now(),
  fired_by text not null,
  outcome text not null default 'fired' check (outcome in ('fired', 'late', 'missed')),
  primary key (task, due_at)
);
