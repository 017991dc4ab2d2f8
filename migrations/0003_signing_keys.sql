-- Signing keys: their lives as timestamps, their private halves sealed.

create table signing_keys (
    kid text primary key,
    alg text not null,
    public_jwk jsonb not null,
    sealed_private_key bytea not null,
    publish_at timestamptz not null,
    activate_at timestamptz not null,
    retire_at timestamptz,
    withdraw_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz not null,
    constraint signing_keys_alg_known check (alg in ('ES256', 'RS256')),
    constraint signing_keys_dates_are_in_order check (
        publish_at <= activate_at
        and activate_at < retire_at
        and retire_at <= withdraw_at
    ),
    constraint signing_keys_withdrawn_after_retired check (withdraw_at is null or retire_at is not null)
);
comment on table signing_keys is 'States are derived from the timestamps, never stored: announced, active, retired, withdrawn, revoked.';
comment on column signing_keys.sealed_private_key is 'PKCS#8, sealed (AES-256-GCM) under the sealing key of the installation, with kid and purpose as associated data.';
