-- What clients register beyond the columns, in the names of RFC 7591, and what a grant was given beyond scopes.

alter table clients
    add column metadata jsonb not null default '{}',
    add constraint clients_metadata_is_an_object check (jsonb_typeof(metadata) = 'object'),
    drop constraint clients_auth_method_known,
    add constraint clients_auth_method_known check (auth_method in (
        'client_secret_basic', 'client_secret_post', 'private_key_jwt',
        'tls_client_auth', 'self_signed_tls_client_auth', 'none'
    )),
    drop constraint clients_jwks_fits_method,
    add constraint clients_assertions_have_keys
        check (auth_method <> 'private_key_jwt' or jwks is not null or metadata ? 'jwks_uri');
comment on column clients.metadata is 'Client metadata by the names of the IANA registry (RFC 7591 section 4.1) and a few of our own; what is left out has its default.';
comment on column clients.jwks is 'Public keys by value: of assertions, request objects and self-signed certificates, and those to encrypt to.';

alter table client_scopes
    drop constraint client_scopes_known,
    add constraint client_scopes_grammar check (scope ~ '^[\x21\x23-\x5b\x5d-\x7e]{1,200}$');

alter table grants
    add column terms jsonb not null default '{}',
    add constraint grants_terms_are_an_object check (jsonb_typeof(terms) = 'object');
comment on column grants.terms is 'What the request asked for beyond scopes and nonce: claims, resources, what tokens are bound to.';
