-- Relying parties, as they are registered.

create table clients (
    id text primary key,
    name text not null,
    system_id text references systems on delete restrict,
    enabled boolean not null,
    auth_method text not null,
    secret_hash bytea,
    jwks jsonb,
    signing_alg text not null,
    pkce text not null,
    sign_on text not null,
    required_loa text,
    told_first text not null,
    created_at timestamptz not null,
    constraint clients_id_grammar check (id ~ '^[\x21-\x7e]{1,200}$' and id !~ '["\\]'),
    constraint clients_name_is_there check (name <> ''),
    constraint clients_auth_method_known
        check (auth_method in ('client_secret_basic', 'client_secret_post', 'private_key_jwt')),
    constraint clients_secret_fits_method
        check ((auth_method in ('client_secret_basic', 'client_secret_post')) = (secret_hash is not null)),
    constraint clients_secret_is_a_hash check (octet_length(secret_hash) = 32),
    constraint clients_jwks_fits_method check ((auth_method = 'private_key_jwt') = (jwks is not null)),
    constraint clients_signing_alg_known check (signing_alg in ('ES256', 'RS256')),
    constraint clients_pkce_known check (pkce in ('required', 'optional')),
    constraint clients_sign_on_known check (sign_on in ('card', 'session')),
    constraint clients_required_loa_known check (required_loa in ('loa2', 'loa3')),
    constraint clients_told_first_known check (told_first in ('catalogue', 'person'))
);
comment on table clients is 'A relying party. Without a system any active user may log in to it, and it is told no roles.';
comment on column clients.secret_hash is 'SHA-256 of a secret of 256 random bits that was made here and shown once.';
comment on column clients.sign_on is 'card: every login asks for the card; session: a session serves later logins.';
comment on column clients.told_first is 'catalogue: as each error code says; person: a page is shown before the relying party is told.';

create table client_redirect_uris (
    client_id text not null references clients on delete cascade,
    uri text not null,
    created_at timestamptz not null,
    primary key (client_id, uri),
    constraint client_redirect_uris_no_fragment check (uri <> '' and uri !~ '#')
);
comment on table client_redirect_uris is 'Compared to the letter (RFC 9700 section 2.1).';

create table client_scopes (
    client_id text not null references clients on delete cascade,
    scope text not null,
    created_at timestamptz not null,
    primary key (client_id, scope),
    constraint client_scopes_known check (scope in ('openid', 'profile', 'employeeHsaId', 'systemRole'))
);
comment on table client_scopes is 'The scopes that a client may ask for.';
