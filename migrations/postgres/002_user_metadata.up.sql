-- What applications keep about a user.
ALTER TABLE app_user ADD COLUMN meta jsonb NOT NULL DEFAULT '{}';
