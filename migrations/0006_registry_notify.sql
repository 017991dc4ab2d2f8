-- Every node keeps clients and keys in memory; this tells them when to read again.

create function registry_changed() returns trigger language plpgsql as $$
begin
    perform pg_notify('siths_idp_registry', tg_table_name);
    return null;
end
$$;

create trigger clients_changed after insert or update or delete on clients
    for each statement execute function registry_changed();
create trigger client_redirect_uris_changed after insert or update or delete on client_redirect_uris
    for each statement execute function registry_changed();
create trigger client_scopes_changed after insert or update or delete on client_scopes
    for each statement execute function registry_changed();
create trigger signing_keys_changed after insert or update or delete on signing_keys
    for each statement execute function registry_changed();
