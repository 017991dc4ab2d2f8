-- Authorization requests that clients push before the browser comes (RFC 9126), and jti of request objects.

create table pushed_requests (
    hash bytea primary key,
    client_id text not null references clients on delete cascade,
    sealed_request bytea not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    created_at timestamptz not null,
    constraint pushed_requests_hash_is_a_hash check (octet_length(hash) = 32),
    constraint pushed_requests_dates_are_in_order check (expires_at > created_at)
);
create index pushed_requests_expiry on pushed_requests (expires_at);
comment on table pushed_requests is 'Authorization requests that were pushed. Used up by the statement that issues the code: update where used_at is null.';
comment on column pushed_requests.hash is 'SHA-256 of the request_uri, which is known to the client alone.';
comment on column pushed_requests.client_id is 'The client that pushed it, and that alone may use it.';
comment on column pushed_requests.sealed_request is 'The parameters, checked when they came; sealed, as they may hold hints of a person.';
comment on column pushed_requests.expires_at is 'The last moment that a browser may bring the request_uri.';
comment on column pushed_requests.used_at is 'When a code was issued for it: from then on it leads nowhere.';
comment on column pushed_requests.created_at is 'When it was pushed.';

comment on table client_assertions is 'Client assertions (RFC 7523) and request objects (RFC 9101) that were used, so that no node takes one twice.';
