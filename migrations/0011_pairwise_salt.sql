-- What pairwise subjects are made with: one row, made at the first start, and never changed.

create table pairwise_salt (
    id boolean primary key default true,
    salt bytea not null,
    created_at timestamptz not null,
    constraint pairwise_salt_is_one check (id),
    constraint pairwise_salt_length check (octet_length(salt) = 32)
);
comment on table pairwise_salt is 'The key of pairwise subjects (OpenID Connect Core 1.0 section 8.1). Changed, every client with pairwise subjects would see new people.';
comment on column pairwise_salt.salt is 'Random. Not sealed: it hides people from relying parties that compare, not from whoever has this database, and must outlive the sealing key.';
