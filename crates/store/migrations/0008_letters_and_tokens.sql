-- What a letter belongs to, which token made a token, and the audit log by what was done.

-- Whose share of the queue a letter takes; NULL: nobody's.
ALTER TABLE mails ADD COLUMN organisation_id TEXT;
-- The link that a letter brings, while it waits: the letter goes when the link ends.
ALTER TABLE mails ADD COLUMN invitation_id TEXT REFERENCES invitations (id) ON DELETE CASCADE;
ALTER TABLE mails ADD COLUMN password_reset_id TEXT REFERENCES password_resets (id) ON DELETE CASCADE;

CREATE INDEX mails_of_organisation ON mails (organisation_id) WHERE state = 'queued';
CREATE INDEX mails_of_invitation ON mails (invitation_id) WHERE invitation_id IS NOT NULL;
CREATE INDEX mails_of_password_reset ON mails (password_reset_id) WHERE password_reset_id IS NOT NULL;
CREATE INDEX mails_waiting ON mails (kind, created_at, id) WHERE state = 'queued';

-- The token with which it was made; NULL: it was made with none, or before this was noted. Goes with it.
ALTER TABLE api_tokens ADD COLUMN parent_id TEXT REFERENCES api_tokens (id) ON DELETE CASCADE;

CREATE INDEX api_tokens_of_parent ON api_tokens (parent_id) WHERE parent_id IS NOT NULL;

-- How many invitations an address got lately, also of those that were withdrawn.
CREATE INDEX audit_log_of_invitations ON audit_log (target_name, at) WHERE action = 'invitation.create';

CREATE INDEX audit_log_by_action ON audit_log (organisation_id, action, at, id);
-- By what stands before the dot in `project.create`, with the dot.
CREATE INDEX audit_log_by_area
    ON audit_log (organisation_id, rtrim(action, 'abcdefghijklmnopqrstuvwxyz_'), at, id);
