-- People, their HSA-ids, and what they may do in which system.

create table users (
    id uuid primary key,
    given_name text not null,
    family_name text not null,
    enabled boolean not null,
    valid_from timestamptz not null,
    valid_until timestamptz,
    created_at timestamptz not null,
    constraint users_names_are_there check (given_name <> '' and family_name <> ''),
    constraint users_dates_are_in_order check (valid_until > valid_from)
);
comment on table users is 'A person who may be let in. The id is what relying parties get as sub: never an HSA-id. Switched off, never deleted.';

create table hsa_ids (
    canonical text primary key,
    as_received text not null,
    user_id uuid not null references users on delete cascade,
    created_at timestamptz not null,
    constraint hsa_ids_canonical_is_upper_case check (canonical = upper(as_received collate "C")),
    constraint hsa_ids_length check (length(as_received) between 1 and 31)
);
create index hsa_ids_user on hsa_ids (user_id);
comment on table hsa_ids is 'HSA-ids of a person: many to a user, one user to each. Compared in canonical (upper) case, kept as received.';

create table systems (
    id text primary key,
    name text not null,
    created_at timestamptz not null,
    constraint systems_id_grammar check (id ~ '^[A-Za-z0-9_.-]{1,64}$')
);
comment on table systems is 'A system that people have roles in; the part before the semicolon in systemRole.';

create table roles (
    system_id text not null references systems on delete restrict,
    name text not null,
    created_at timestamptz not null,
    primary key (system_id, name),
    constraint roles_name_grammar check (name <> '' and name !~ '[;[:cntrl:]]' and length(name) <= 200)
);
comment on table roles is 'A role that exists in a system.';

create table role_grants (
    id uuid primary key,
    user_id uuid not null references users on delete restrict,
    system_id text not null,
    role text not null,
    valid_from timestamptz not null,
    valid_until timestamptz,
    revoked_at timestamptz,
    created_at timestamptz not null,
    constraint role_grants_role foreign key (system_id, role) references roles (system_id, name) on delete restrict,
    constraint role_grants_dates_are_in_order check (valid_until > valid_from)
);
create unique index role_grants_one_in_force on role_grants (user_id, system_id, role) where revoked_at is null;
comment on table role_grants is 'A role given to a person, with its dates; revoked rows stay as history.';

create function roles_in_force(the_user uuid, the_system text, the_moment timestamptz) returns text[]
language sql stable as $$
    select array(
        select g.role
        from role_grants g
        where g.user_id = the_user
            and g.system_id = the_system
            and g.revoked_at is null
            and g.valid_from <= the_moment
            and (g.valid_until is null or g.valid_until > the_moment)
        order by g.role
    )
$$;
comment on function roles_in_force is 'Names of the roles that a person has in a system at a moment; none where the system is null.';
