-- DPoP proofs that were used (RFC 9449 section 11.1), so that no node takes one twice.

create table dpop_proofs (
    hash bytea not null,
    expires_at timestamptz not null,
    created_at timestamptz not null,
    constraint dpop_proofs_pkey primary key (hash),
    constraint dpop_proofs_hash_is_a_sha256 check (octet_length(hash) = 32)
);
create index dpop_proofs_expiry on dpop_proofs (expires_at);
comment on table dpop_proofs is 'DPoP proofs (RFC 9449) that were used, so that no node takes one twice.';
comment on column dpop_proofs.hash is 'SHA-256 of the key''s thumbprint and the jti.';
comment on column dpop_proofs.expires_at is 'When the proof is refused as too old, and the row is not needed any more.';
comment on column dpop_proofs.created_at is 'When it was used.';
