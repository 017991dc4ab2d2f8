-- Access tokens that are remembered: opaque ones until they end, signed ones that were revoked until they would have ended.

create table access_tokens (
    hash bytea primary key,
    client_id text not null references clients on delete cascade,
    grant_id uuid,
    claims jsonb not null,
    expires_at timestamptz not null,
    created_at timestamptz not null,
    constraint access_tokens_hash_is_a_hash check (octet_length(hash) = 32),
    constraint access_tokens_claims_are_an_object check (jsonb_typeof(claims) = 'object'),
    constraint access_tokens_grant_of_client foreign key (grant_id, client_id)
        references grants (id, client_id) on delete cascade
);
create index access_tokens_grant on access_tokens (grant_id);
create index access_tokens_expiry on access_tokens (expires_at);
comment on table access_tokens is 'Opaque access tokens, as SHA-256 alone, until they are revoked or end.';
comment on column access_tokens.grant_id is 'The login that gave it; null of a token that a client has of its own (RFC 6749 section 4.4).';
comment on column access_tokens.claims is 'What it says, in the claims of RFC 9068: subject, audience, scope, key. Nothing else of a person.';

create table revoked_tokens (
    jti uuid primary key,
    client_id text not null references clients on delete cascade,
    expires_at timestamptz not null,
    created_at timestamptz not null
);
create index revoked_tokens_expiry on revoked_tokens (expires_at);
comment on table revoked_tokens is 'Signed access tokens that were revoked (RFC 7009), by jti, until they would have ended.';
