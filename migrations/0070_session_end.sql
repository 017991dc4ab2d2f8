-- When a session ends: unused for too long, or by whom; and which sessions of one browser end together.

alter table sessions
    add column used_at timestamptz,
    add column browser uuid,
    add column ended_by text,
    add constraint sessions_ended_by_known
        check (ended_by in ('logout', 'disabled', 'another-card', 'certificate-revoked')),
    add constraint sessions_ended_by_has_a_time check (ended_by is null or ended_at is not null);
create index sessions_browser on sessions (browser);
comment on column sessions.used_at is 'When the session last stood in for the card, or began. Null: written by a version that did not keep it; it counts from created_at.';
comment on column sessions.browser is 'The id of the first of the sessions of this person that followed each other in one browser: a logout ends them all. Null: of a version that did not keep it; the session is alone.';
comment on column sessions.ended_by is 'What ended it before its time. Null: nothing did, or a version that did not keep it, or an operator by hand.';
