-- When a run may start (`--at`, a window, a freeze), and why it is held back until then.
alter table runs add column not_before timestamptz;
alter table runs add column scheduled_for timestamptz;
alter table runs add column held jsonb;
-- Approvals that are not a second person's: declared beforehand (the declaration's hash), or the glass was broken.
alter table runs add column standing text;
alter table runs add column break_glass jsonb;
alter table runs add column review_due_at timestamptz;
alter table runs add column reviewed jsonb;
alter table runs add column nagged_at timestamptz;
alter table runs add column reminded_at timestamptz;
-- The run whose end asked for this one, and the stuck run that this one settles first: {runId, choice}.
alter table runs add column follows bigint references runs (id);
alter table runs add column settles jsonb;
create index runs_review on runs (id) where break_glass is not null and reviewed is null;

-- A release is watched for a while: `good` afterwards, `bad` when a check of the service turned critical meanwhile.
alter table releases add column watch text not null default 'none' check (watch in ('none', 'watching', 'good', 'bad'));
alter table releases add column watch_until timestamptz;
alter table releases add column watched jsonb;
create index releases_watching on releases (id) where watch = 'watching';
