-- The audit trail: append only.

create table audit_events (
    id bigint generated always as identity primary key,
    created_at timestamptz not null,
    event text not null,
    ref text,
    client_id text,
    user_id uuid,
    hsa_id text,
    address text,
    details jsonb not null
);
create index audit_events_time on audit_events (created_at);
create index audit_events_ref on audit_events (ref) where ref is not null;
comment on table audit_events is 'What an inspector reads: who, when, from where, by which certificate, to which system, with which outcome. Never a personnummer. No foreign keys: it outlives what it tells of.';

create function audit_events_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'audit_events is append only';
end
$$;
create trigger audit_events_append_only
    before update or delete or truncate on audit_events
    for each statement execute function audit_events_refuse_change();
