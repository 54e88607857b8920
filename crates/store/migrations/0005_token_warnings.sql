-- When its maker was told that a token is about to expire; NULL: not yet.
ALTER TABLE api_tokens ADD COLUMN warned_at BIGINT;
