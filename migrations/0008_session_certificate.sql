-- What a session rests on: it ends with its certificate's validity, and when the certificate is revoked.

alter table sessions
    add column certificate_not_after timestamptz,
    add column certificate_issuers bytea[],
    add column certificate_serials bytea[];
comment on column sessions.certificate_not_after is 'The end of the validity of the certificate that was shown. Null: written by a version that did not keep it; such a session stands in for no card.';
comment on column sessions.certificate_issuers is 'Who issued the certificate and the CAs above it, leaf first: SHA-256 of each SubjectPublicKeyInfo.';
comment on column sessions.certificate_serials is 'Their serial numbers, in the same order.';
