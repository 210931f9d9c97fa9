-- What applications keep about a user.
ALTER TABLE app_user ADD COLUMN meta JSON_TEXT NOT NULL DEFAULT '{}';
