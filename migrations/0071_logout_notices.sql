-- The outbox of Back-Channel Logout 1.0: which relying parties have still to be told of the end of a session.

create table logout_notices (
    session_id uuid not null,
    client_id text not null references clients on delete cascade,
    user_id uuid not null references users on delete cascade,
    attempts integer not null default 0,
    try_at timestamptz not null,
    created_at timestamptz not null,
    primary key (session_id, client_id),
    constraint logout_notices_attempts_are_counted check (attempts >= 0)
);
create index logout_notices_due on logout_notices (try_at);
comment on table logout_notices is 'A relying party that has still to be told that a session ended. Written by the statement that ends the session, whatever ends it; deleted once the relying party knows, or when it is given up.';
comment on column logout_notices.session_id is 'The sid that the relying party knows. No foreign key: the notice may outlive the session.';
comment on column logout_notices.attempts is 'How often it was begun to tell it. A node that took longer than its turn does not undo what the next has done.';
comment on column logout_notices.try_at is 'Nobody tries before. Whoever moves it on by one statement is the node that tries; where that node dies, another tries then.';

-- A session that expires tells nobody: every relying party has its own clock.
create function sessions_tell_of_their_end() returns trigger language plpgsql as $$
begin
    if new.ended_by = 'logout' then
        -- Here, because a grant that was written while the session was being ended is seen here alone.
        update grants
        set revoked_at = new.ended_at
        where session_id = new.id and revoked_at is null;
    end if;
    insert into logout_notices (session_id, client_id, user_id, try_at, created_at)
    select distinct new.id, g.client_id, new.user_id, new.ended_at, new.ended_at
    from grants g
    join clients c on c.id = g.client_id
    where g.session_id = new.id
        and c.metadata ? 'backchannel_logout_uri'
    on conflict do nothing;
    if found then
        perform pg_notify('siths_idp_logout', '');
    end if;
    return null;
end
$$;
comment on function sessions_tell_of_their_end is 'Whatever ends a session writes the notices of its end: no writer can forget them.';
create trigger sessions_ended after update of ended_at on sessions
    for each row when (old.ended_at is null and new.ended_at is not null)
    execute function sessions_tell_of_their_end();
