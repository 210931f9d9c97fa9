-- Accounts, sessions, keys, mail; conversations and messages.
--
-- Row-level security is the second wall behind queries that name their user. Each transaction sets
-- liminal.actor to the user's id or to 'system'; without it nothing is visible. The service acts as
-- liminal_service, who owns nothing.

DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'liminal_service') THEN
    CREATE ROLE liminal_service NOLOGIN NOSUPERUSER NOBYPASSRLS;
  END IF;
  IF NOT pg_has_role('liminal_service', 'MEMBER') THEN -- an owner that is no superuser
    GRANT liminal_service TO CURRENT_USER;
  END IF;
END $$;

CREATE FUNCTION acts_as_system() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT coalesce(current_setting('liminal.actor', true), '') = 'system' $$;
CREATE FUNCTION acting_user() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT CASE WHEN current_setting('liminal.actor', true) ~ '^[0-9a-f-]{36}$'
        THEN current_setting('liminal.actor', true)::uuid END $$;

CREATE TABLE tenant (
  id          uuid PRIMARY KEY,
  name        text NOT NULL CONSTRAINT tenant_name UNIQUE,
  created_at  timestamptz NOT NULL
);

CREATE TABLE app_user (
  id          uuid PRIMARY KEY,
  tenant_id   uuid NOT NULL REFERENCES tenant (id),
  email       text NOT NULL,
  email_key   text NOT NULL UNIQUE,
  handle      text,
  role        text NOT NULL DEFAULT 'user' CONSTRAINT app_user_role CHECK (role IN ('user', 'admin')),
  plan_tier   text NOT NULL DEFAULT 'free',
  status      text NOT NULL DEFAULT 'pending_verification' CONSTRAINT app_user_status
              CHECK (status IN ('pending_verification', 'active', 'suspended', 'deleted')),
  created_at  timestamptz NOT NULL,
  verified_at timestamptz,
  deleted_at  timestamptz
);

CREATE TABLE user_auth_credential (
  user_id         uuid PRIMARY KEY REFERENCES app_user (id) ON DELETE CASCADE,
  password_hash   text,
  password_algo   text,
  created_at      timestamptz NOT NULL,
  last_updated_at timestamptz
);

CREATE TABLE user_auth_provider (
  id           uuid PRIMARY KEY,
  user_id      uuid NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
  provider     text NOT NULL,
  provider_uid text NOT NULL,
  created_at   timestamptz NOT NULL,
  UNIQUE (provider, provider_uid)
);

CREATE TABLE user_settings (
  user_id       uuid PRIMARY KEY REFERENCES app_user (id) ON DELETE CASCADE,
  locale        text,
  timezone      text,
  default_voice text,
  default_style jsonb,
  flags         jsonb
);

-- The secret is sealed with the server's key; last_step keeps a code from being used twice.
CREATE TABLE user_mfa (
  user_id       uuid PRIMARY KEY REFERENCES app_user (id) ON DELETE CASCADE,
  sealed_secret bytea NOT NULL,
  created_at    timestamptz NOT NULL,
  confirmed_at  timestamptz,
  last_step     bigint NOT NULL DEFAULT 0
);
CREATE TABLE user_recovery_code (
  user_id    uuid NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
  code_hash  bytea NOT NULL,
  used_at    timestamptz,
  PRIMARY KEY (user_id, code_hash)
);

CREATE TABLE auth_session (
  id           uuid PRIMARY KEY,
  user_id      uuid NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
  created_at   timestamptz NOT NULL,
  expires_at   timestamptz NOT NULL,
  last_seen_at timestamptz NOT NULL,
  revoked_at   timestamptz,
  mfa_at       timestamptz, -- when it showed a second factor
  user_agent   text,
  ip_addr      text,
  meta         jsonb
);
CREATE INDEX auth_session_user ON auth_session (user_id, created_at);

-- One row per rotation: a row that was used already and comes again revokes the session.
CREATE TABLE refresh_token (
  token_hash bytea PRIMARY KEY,
  session_id uuid NOT NULL REFERENCES auth_session (id) ON DELETE CASCADE,
  user_id    uuid NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at    timestamptz
);
CREATE INDEX refresh_token_session ON refresh_token (session_id);
CREATE INDEX refresh_token_over ON refresh_token (expires_at);

CREATE TABLE api_token (
  id           uuid PRIMARY KEY,
  user_id      uuid NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
  name         text NOT NULL,
  prefix       text NOT NULL,
  token_hash   bytea NOT NULL UNIQUE,
  scopes       jsonb NOT NULL,
  limits       jsonb NOT NULL,
  spent_tokens bigint NOT NULL DEFAULT 0,
  created_at   timestamptz NOT NULL,
  expires_at   timestamptz,
  last_used_at timestamptz,
  revoked_at   timestamptz
);
CREATE INDEX api_token_user ON api_token (user_id, created_at);

-- Links: verification, reset, set-up. Only hashes are kept.
CREATE TABLE one_time_code (
  code_hash  bytea PRIMARY KEY,
  purpose    text NOT NULL CONSTRAINT one_time_code_purpose
             CHECK (purpose IN ('verify_email', 'reset_password', 'set_up')),
  user_id    uuid REFERENCES app_user (id) ON DELETE CASCADE,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at    timestamptz
);
CREATE INDEX one_time_code_user ON one_time_code (user_id, purpose);

CREATE TABLE invitation (
  id         uuid PRIMARY KEY,
  code_hash  bytea NOT NULL UNIQUE,
  email_key  text, -- nobody else may use it
  role       text NOT NULL CONSTRAINT invitation_role CHECK (role IN ('user', 'admin')),
  plan_tier  text NOT NULL,
  invited_by uuid REFERENCES app_user (id) ON DELETE SET NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at    timestamptz
);

-- The queue of letters. One that was claimed has its next attempt behind the claim's end; of one that
-- was sent, text and link are emptied.
CREATE TABLE mail (
  id              uuid PRIMARY KEY,
  recipient       text NOT NULL,
  subject         text NOT NULL,
  body_text       text NOT NULL,
  body_html       text NOT NULL,
  link            text NOT NULL,
  created_at      timestamptz NOT NULL,
  expires_at      timestamptz,
  next_attempt_at timestamptz NOT NULL,
  attempts        bigint NOT NULL DEFAULT 0,
  sent_at         timestamptz,
  failed_at       timestamptz,
  shown_at        timestamptz, -- to who keeps the server, who has no mail server
  last_error      text
);
CREATE INDEX mail_waiting ON mail (next_attempt_at)
  WHERE sent_at IS NULL AND failed_at IS NULL AND shown_at IS NULL;

CREATE TABLE conversation (
  id                uuid PRIMARY KEY,
  user_id           uuid NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
  title             text,
  created_at        timestamptz NOT NULL,
  updated_at        timestamptz NOT NULL,
  status            text NOT NULL DEFAULT 'open' CONSTRAINT conversation_status
                    CHECK (status IN ('open', 'archived')),
  active_context_id uuid,
  next_seq          bigint NOT NULL DEFAULT 1,
  meta              jsonb,
  UNIQUE (id, user_id)
);
CREATE INDEX conversation_recent ON conversation (user_id, status, updated_at DESC, id DESC);

CREATE TABLE message (
  id              uuid PRIMARY KEY,
  conversation_id uuid NOT NULL,
  user_id         uuid NOT NULL,
  sender          text NOT NULL CONSTRAINT message_sender
                  CHECK (sender IN ('user', 'assistant', 'system', 'tool')),
  role            text NOT NULL,
  content         text NOT NULL,
  content_struct  jsonb,
  seq             bigint NOT NULL,
  state           text NOT NULL DEFAULT 'complete' CONSTRAINT message_state
                  CHECK (state IN ('complete', 'writing', 'interrupted')),
  writing_until   timestamptz, -- who writes it says so before then, again and again
  created_at      timestamptz NOT NULL,
  token_count_in  bigint,
  token_count_out bigint,
  meta            jsonb,
  -- what is being written is not found yet; a tsvector holds a megabyte at most
  search          tsvector GENERATED ALWAYS AS (CASE WHEN state <> 'writing'
                  THEN to_tsvector('simple', left(content, 200000)) END) STORED,
  UNIQUE (conversation_id, seq),
  CONSTRAINT message_writing CHECK ((state = 'writing') = (writing_until IS NOT NULL)),
  -- a message is its conversation's owner's
  FOREIGN KEY (conversation_id, user_id) REFERENCES conversation (id, user_id) ON DELETE CASCADE
);
-- Row-level security keeps full-text operators behind its wall, where no index serves them: a search
-- walks through its user's messages, which this index finds.
CREATE INDEX message_user ON message (user_id);
CREATE INDEX message_unfinished ON message (writing_until) WHERE state = 'writing';

-- The walls. Some rows are looked up before anybody is known: that is the system's work.
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['user_auth_credential', 'user_auth_provider', 'user_settings',
      'user_mfa', 'user_recovery_code', 'auth_session', 'refresh_token', 'api_token',
      'one_time_code', 'conversation', 'message'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY own ON %I USING (acts_as_system() OR user_id = acting_user())', name);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['mail', 'tenant', 'invitation'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY own ON %I USING (acts_as_system())', name);
  END LOOP;
END $$;
ALTER TABLE app_user ENABLE ROW LEVEL SECURITY;
ALTER TABLE app_user FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON app_user USING (acts_as_system() OR id = acting_user());

GRANT USAGE ON SCHEMA public TO liminal_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO liminal_service;
REVOKE INSERT, UPDATE, DELETE ON schema_migration FROM liminal_service;
