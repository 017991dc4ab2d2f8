-- Keys of more algorithms, and keys for encryption beside those that sign: one life, one table.

alter table signing_keys
    add column use text not null default 'sig',
    drop constraint signing_keys_alg_known,
    add constraint signing_keys_alg_known check (
        (use = 'sig' and alg in ('ES256', 'ES384', 'PS256', 'RS256', 'EdDSA'))
        or (use = 'enc' and alg in ('RSA-OAEP', 'ECDH-ES'))
    );
comment on table signing_keys is 'Keys of the provider, to sign with and to be encrypted to. States are derived from the timestamps, never stored: announced, active, retired, withdrawn, revoked.';
comment on column signing_keys.use is 'sig or enc, as in the JWK (RFC 7517 section 4.2).';
comment on column signing_keys.alg is 'What it signs with; of a key for encryption the first algorithm of its family: RSA-OAEP also opens RSA-OAEP-256, ECDH-ES also the two that wrap.';

alter table clients
    drop constraint clients_signing_alg_known,
    add constraint clients_signing_alg_known check (signing_alg in ('ES256', 'ES384', 'PS256', 'RS256', 'EdDSA'));
