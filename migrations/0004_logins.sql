-- Logins: what has been judged, what was given, and that it was given once.

create table sessions (
    id uuid primary key,
    cookie_hash bytea not null,
    user_id uuid not null references users on delete restrict,
    hsa_id text not null,
    loa text not null,
    auth_time timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    created_at timestamptz not null,
    constraint sessions_cookie unique (cookie_hash),
    constraint sessions_of_user unique (id, user_id),
    constraint sessions_cookie_is_a_hash check (octet_length(cookie_hash) = 32),
    constraint sessions_loa_known check (loa in ('loa2', 'loa3')),
    constraint sessions_dates_are_in_order check (expires_at > auth_time)
);
create index sessions_user on sessions (user_id);
create index sessions_expiry on sessions (expires_at);
comment on table sessions is 'A browser in which a person has shown a card. The id is sid; the cookie is kept as a hash alone.';

create table login_attempts (
    id uuid primary key,
    ref text not null,
    client_id text not null references clients on delete restrict,
    code text,
    user_id uuid references users on delete restrict,
    hsa_id text,
    sealed_submitted_value bytea,
    certificate jsonb,
    created_at timestamptz not null,
    constraint login_attempts_ref_grammar check (ref ~ '^[0-9A-Z]{4}-[0-9A-Z]{4}$')
);
create index login_attempts_ref on login_attempts (ref);
create index login_attempts_time on login_attempts (created_at);
create index login_attempts_sealed on login_attempts (created_at) where sealed_submitted_value is not null;
comment on table login_attempts is 'One row a ticket from a card host: its primary key is what makes the ticket single-use.';
comment on column login_attempts.code is 'Null: logged in. Else the code of the catalogue.';
comment on column login_attempts.sealed_submitted_value is 'What the certificate held, for the relying party''s back channel; sealed, and erased after ten minutes.';

create table grants (
    id uuid primary key,
    session_id uuid not null,
    client_id text not null references clients on delete restrict,
    user_id uuid not null references users on delete restrict,
    scopes text[] not null,
    nonce text,
    revoked_at timestamptz,
    created_at timestamptz not null,
    constraint grants_of_client unique (id, client_id),
    constraint grants_session_of_user foreign key (session_id, user_id) references sessions (id, user_id) on delete cascade
);
create index grants_session on grants (session_id);
create index grants_user on grants (user_id);
comment on table grants is 'What a relying party was given by one login; revoked, all its tokens are. Its person is the session''s; it goes with the session.';

create table codes (
    hash bytea primary key,
    grant_id uuid not null,
    client_id text not null,
    redirect_uri text not null,
    code_challenge text,
    expires_at timestamptz not null,
    redeemed_at timestamptz,
    created_at timestamptz not null,
    constraint codes_hash_is_a_hash check (octet_length(hash) = 32),
    constraint codes_grant_of_client foreign key (grant_id, client_id) references grants (id, client_id) on delete cascade
);
create index codes_grant on codes (grant_id);
create index codes_expiry on codes (expires_at);
comment on table codes is 'Authorization codes, as SHA-256 alone. Redeemed by one statement: update where redeemed_at is null.';

create table client_assertions (
    client_id text not null references clients on delete cascade,
    jti_hash bytea not null,
    expires_at timestamptz not null,
    created_at timestamptz not null,
    primary key (client_id, jti_hash)
);
create index client_assertions_expiry on client_assertions (expires_at);
comment on table client_assertions is 'Client assertions (RFC 7523) that were used, so that no node takes one twice.';
