-- What issuers say of revocation, so that a node starts without the network and one node's fetch serves all.

create table revocation_lists (
    authority bytea primary key,
    der bytea,
    sha256 bytea,
    number bytea,
    this_update timestamptz,
    next_update timestamptz,
    source text,
    etag text,
    last_modified text,
    confirmed_at timestamptz,
    fetch_after timestamptz not null,
    failures integer not null default 0,
    last_error text,
    created_at timestamptz not null,
    constraint revocation_lists_authority_is_a_hash check (octet_length(authority) = 32),
    constraint revocation_lists_sha256_is_a_hash check (octet_length(sha256) = 32),
    constraint revocation_lists_whole_or_none check (
        num_nulls(der, sha256, number, this_update, next_update, source, confirmed_at) in (0, 7)
    )
);
-- Out of line and not compressed: a CRL does not shrink, and 40 MB take their time.
alter table revocation_lists alter column der set storage external;
comment on table revocation_lists is 'The CRL in use of each authority, by the SHA-256 of the authority''s SubjectPublicKeyInfo; a row without one was never fetched.';
comment on column revocation_lists.number is 'cRLNumber, big-endian; a lower one is not taken.';
comment on column revocation_lists.confirmed_at is 'When a source last gave this list, or said that it is unchanged.';
comment on column revocation_lists.fetch_after is 'Nobody fetches before. Whoever moves it on by one statement is the node that fetches.';

create table ocsp_answers (
    authority bytea not null,
    serial bytea not null,
    revoked_at timestamptz,
    reason text,
    this_update timestamptz not null,
    next_update timestamptz,
    produced_at timestamptz not null,
    holds_until timestamptz not null,
    fetched_at timestamptz not null,
    ask_after timestamptz not null,
    created_at timestamptz not null,
    primary key (authority, serial),
    constraint ocsp_answers_authority_is_a_hash check (octet_length(authority) = 32)
);
create index ocsp_answers_held on ocsp_answers (holds_until);
comment on table ocsp_answers is 'The last OCSP answer for each certificate that was shown, until housekeeping forgets it. Serial numbers name no person.';
comment on column ocsp_answers.revoked_at is 'Null: good.';
comment on column ocsp_answers.holds_until is 'How long it is believed: the greatest age that is configured, or nextUpdate where that is sooner.';
comment on column ocsp_answers.ask_after is 'Until then it is not asked for again.';

-- A new list is told to every node; its payload is the authority.
create function revocation_list_changed() returns trigger language plpgsql as $$
begin
    perform pg_notify('siths_idp_revocation', encode(new.authority, 'hex'));
    return null;
end
$$;
create trigger revocation_lists_changed after insert or update of sha256 on revocation_lists
    for each row when (new.sha256 is not null) execute function revocation_list_changed();
