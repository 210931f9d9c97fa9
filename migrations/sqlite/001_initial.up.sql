-- Accounts, sessions, keys, mail; conversations and messages.

CREATE TABLE tenant (
  id          UUID PRIMARY KEY,
  name        TEXT NOT NULL CONSTRAINT tenant_name UNIQUE,
  created_at  TIMESTAMP NOT NULL
);

CREATE TABLE app_user (
  id          UUID PRIMARY KEY,
  tenant_id   UUID NOT NULL REFERENCES tenant (id),
  email       TEXT NOT NULL,
  email_key   TEXT NOT NULL UNIQUE,
  handle      TEXT,
  role        TEXT NOT NULL DEFAULT 'user' CONSTRAINT app_user_role CHECK (role IN ('user', 'admin')),
  plan_tier   TEXT NOT NULL DEFAULT 'free',
  status      TEXT NOT NULL DEFAULT 'pending_verification' CONSTRAINT app_user_status
              CHECK (status IN ('pending_verification', 'active', 'suspended', 'deleted')),
  created_at  TIMESTAMP NOT NULL,
  verified_at TIMESTAMP,
  deleted_at  TIMESTAMP
);

CREATE TABLE user_auth_credential (
  user_id         UUID PRIMARY KEY REFERENCES app_user (id) ON DELETE CASCADE,
  password_hash   TEXT,
  password_algo   TEXT,
  created_at      TIMESTAMP NOT NULL,
  last_updated_at TIMESTAMP
);

CREATE TABLE user_auth_provider (
  id           UUID PRIMARY KEY,
  user_id      UUID NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
  provider     TEXT NOT NULL,
  provider_uid TEXT NOT NULL,
  created_at   TIMESTAMP NOT NULL,
  UNIQUE (provider, provider_uid)
);

CREATE TABLE user_settings (
  user_id       UUID PRIMARY KEY REFERENCES app_user (id) ON DELETE CASCADE,
  locale        TEXT,
  timezone      TEXT,
  default_voice TEXT,
  default_style JSON_TEXT,
  flags         JSON_TEXT
);

-- The secret is sealed with the server's key; last_step keeps a code from being used twice.
CREATE TABLE user_mfa (
  user_id       UUID PRIMARY KEY REFERENCES app_user (id) ON DELETE CASCADE,
  sealed_secret BLOB NOT NULL,
  created_at    TIMESTAMP NOT NULL,
  confirmed_at  TIMESTAMP,
  last_step     BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE user_recovery_code (
  user_id    UUID NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
  code_hash  BLOB NOT NULL,
  used_at    TIMESTAMP,
  PRIMARY KEY (user_id, code_hash)
);

CREATE TABLE auth_session (
  id           UUID PRIMARY KEY,
  user_id      UUID NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
  created_at   TIMESTAMP NOT NULL,
  expires_at   TIMESTAMP NOT NULL,
  last_seen_at TIMESTAMP NOT NULL,
  revoked_at   TIMESTAMP,
  mfa_at       TIMESTAMP, -- when it showed a second factor
  user_agent   TEXT,
  ip_addr      TEXT,
  meta         JSON_TEXT
);
CREATE INDEX auth_session_user ON auth_session (user_id, created_at);

-- One row per rotation: a row that was used already and comes again revokes the session.
CREATE TABLE refresh_token (
  token_hash BLOB PRIMARY KEY,
  session_id UUID NOT NULL REFERENCES auth_session (id) ON DELETE CASCADE,
  user_id    UUID NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
  created_at TIMESTAMP NOT NULL,
  expires_at TIMESTAMP NOT NULL,
  used_at    TIMESTAMP
);
CREATE INDEX refresh_token_session ON refresh_token (session_id);
CREATE INDEX refresh_token_over ON refresh_token (expires_at);

CREATE TABLE api_token (
  id           UUID PRIMARY KEY,
  user_id      UUID NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
  name         TEXT NOT NULL,
  prefix       TEXT NOT NULL,
  token_hash   BLOB NOT NULL UNIQUE,
  scopes       JSON_TEXT NOT NULL,
  limits       JSON_TEXT NOT NULL,
  spent_tokens BIGINT NOT NULL DEFAULT 0,
  created_at   TIMESTAMP NOT NULL,
  expires_at   TIMESTAMP,
  last_used_at TIMESTAMP,
  revoked_at   TIMESTAMP
);
CREATE INDEX api_token_user ON api_token (user_id, created_at);

-- Links: verification, reset, set-up. Only hashes are kept.
CREATE TABLE one_time_code (
  code_hash  BLOB PRIMARY KEY,
  purpose    TEXT NOT NULL CONSTRAINT one_time_code_purpose
             CHECK (purpose IN ('verify_email', 'reset_password', 'set_up')),
  user_id    UUID REFERENCES app_user (id) ON DELETE CASCADE,
  created_at TIMESTAMP NOT NULL,
  expires_at TIMESTAMP NOT NULL,
  used_at    TIMESTAMP
);
CREATE INDEX one_time_code_user ON one_time_code (user_id, purpose);

CREATE TABLE invitation (
  id         UUID PRIMARY KEY,
  code_hash  BLOB NOT NULL UNIQUE,
  email_key  TEXT, -- nobody else may use it
  role       TEXT NOT NULL CONSTRAINT invitation_role CHECK (role IN ('user', 'admin')),
  plan_tier  TEXT NOT NULL,
  invited_by UUID REFERENCES app_user (id) ON DELETE SET NULL,
  created_at TIMESTAMP NOT NULL,
  expires_at TIMESTAMP NOT NULL,
  used_at    TIMESTAMP
);

-- The queue of letters. One that was claimed has its next attempt behind the claim's end; of one that
-- was sent, text and link are emptied.
CREATE TABLE mail (
  id              UUID PRIMARY KEY,
  recipient       TEXT NOT NULL,
  subject         TEXT NOT NULL,
  body_text       TEXT NOT NULL,
  body_html       TEXT NOT NULL,
  link            TEXT NOT NULL,
  created_at      TIMESTAMP NOT NULL,
  expires_at      TIMESTAMP,
  next_attempt_at TIMESTAMP NOT NULL,
  attempts        BIGINT NOT NULL DEFAULT 0,
  sent_at         TIMESTAMP,
  failed_at       TIMESTAMP,
  shown_at        TIMESTAMP, -- to who keeps the server, who has no mail server
  last_error      TEXT
);
CREATE INDEX mail_waiting ON mail (next_attempt_at)
  WHERE sent_at IS NULL AND failed_at IS NULL AND shown_at IS NULL;

CREATE TABLE conversation (
  id                UUID PRIMARY KEY,
  user_id           UUID NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
  title             TEXT,
  created_at        TIMESTAMP NOT NULL,
  updated_at        TIMESTAMP NOT NULL,
  status            TEXT NOT NULL DEFAULT 'open' CONSTRAINT conversation_status
                    CHECK (status IN ('open', 'archived')),
  active_context_id UUID,
  next_seq          BIGINT NOT NULL DEFAULT 1,
  meta              JSON_TEXT,
  UNIQUE (id, user_id)
);
CREATE INDEX conversation_recent ON conversation (user_id, status, updated_at DESC, id DESC);

CREATE TABLE message (
  number          INTEGER PRIMARY KEY, -- for the search: other row numbers change with VACUUM
  id              UUID NOT NULL UNIQUE,
  conversation_id UUID NOT NULL,
  user_id         UUID NOT NULL,
  sender          TEXT NOT NULL CONSTRAINT message_sender
                  CHECK (sender IN ('user', 'assistant', 'system', 'tool')),
  role            TEXT NOT NULL,
  content         TEXT NOT NULL,
  content_struct  JSON_TEXT,
  seq             BIGINT NOT NULL,
  state           TEXT NOT NULL DEFAULT 'complete' CONSTRAINT message_state
                  CHECK (state IN ('complete', 'writing', 'interrupted')),
  writing_until   TIMESTAMP, -- who writes it says so before then, again and again
  created_at      TIMESTAMP NOT NULL,
  token_count_in  BIGINT,
  token_count_out BIGINT,
  meta            JSON_TEXT,
  UNIQUE (conversation_id, seq),
  CONSTRAINT message_writing CHECK ((state = 'writing') = (writing_until IS NOT NULL)),
  -- a message is its conversation's owner's
  FOREIGN KEY (conversation_id, user_id) REFERENCES conversation (id, user_id) ON DELETE CASCADE
);
CREATE INDEX message_user ON message (user_id);
CREATE INDEX message_unfinished ON message (writing_until) WHERE state = 'writing';

-- Search: an index beside the table, kept by triggers; deleting from it needs the old text. The owner
-- is a word like the others, so that a search walks only through its user's messages. What is being
-- written is not there yet.
CREATE VIEW message_text AS SELECT number, hex(user_id) AS owner, content FROM message;
CREATE VIRTUAL TABLE message_search USING fts5 (
  owner, content, content='message_text', content_rowid='number', tokenize='unicode61'
);
CREATE TRIGGER message_search_insert AFTER INSERT ON message WHEN new.state <> 'writing' BEGIN
  INSERT INTO message_search (rowid, owner, content)
    VALUES (new.number, hex(new.user_id), new.content);
END;
CREATE TRIGGER message_search_delete AFTER DELETE ON message WHEN old.state <> 'writing' BEGIN
  INSERT INTO message_search (message_search, rowid, owner, content)
    VALUES ('delete', old.number, hex(old.user_id), old.content);
END;
CREATE TRIGGER message_search_forget AFTER UPDATE OF content, state ON message
WHEN old.state <> 'writing' BEGIN
  INSERT INTO message_search (message_search, rowid, owner, content)
    VALUES ('delete', old.number, hex(old.user_id), old.content);
END;
CREATE TRIGGER message_search_learn AFTER UPDATE OF content, state ON message
WHEN new.state <> 'writing' BEGIN
  INSERT INTO message_search (rowid, owner, content)
    VALUES (new.number, hex(new.user_id), new.content);
END;
