-- A person who comes by an OpenID issuer may be admitted anew once they were revoked: only among those who
-- may act is their subject one principal's. A key or a certificate stays one principal's for good.
ALTER TABLE principal DROP CONSTRAINT principal_credential_key;
CREATE UNIQUE INDEX principal_credential ON principal (credential_kind, credential)
    WHERE revoked_at IS NULL OR credential_kind <> 'openid';
