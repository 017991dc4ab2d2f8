-- Refresh tokens: each used once where they rotate; all of one login are one family, its grant.

create table refresh_tokens (
    hash bytea primary key,
    grant_id uuid not null,
    client_id text not null,
    confirmation jsonb not null,
    expires_at timestamptz not null,
    ends_at timestamptz not null,
    used_at timestamptz,
    created_at timestamptz not null,
    constraint refresh_tokens_hash_is_a_hash check (octet_length(hash) = 32),
    constraint refresh_tokens_confirmation_is_an_object check (jsonb_typeof(confirmation) = 'object'),
    constraint refresh_tokens_end_within_their_family check (expires_at <= ends_at),
    constraint refresh_tokens_grant_of_client foreign key (grant_id, client_id)
        references grants (id, client_id) on delete cascade
);
create index refresh_tokens_grant on refresh_tokens (grant_id);
create index refresh_tokens_expiry on refresh_tokens (expires_at);
comment on table refresh_tokens is 'Refresh tokens (RFC 6749 section 6), as SHA-256 alone. The family of a token is its grant: revoked, all its tokens are.';
comment on column refresh_tokens.confirmation is 'The key that the family is bound to, as the cnf claim has it (RFC 7800); an empty object where it is bound to none.';
comment on column refresh_tokens.expires_at is 'The end of this one: when it was rested too long, or the family ends.';
comment on column refresh_tokens.ends_at is 'The end of the family: the longest life that is configured, or the session''s.';
comment on column refresh_tokens.used_at is 'When it was exchanged for another, by one statement: update where used_at is null. Null of one that does not rotate.';
