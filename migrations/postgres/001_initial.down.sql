DROP TABLE message, conversation, mail, invitation, one_time_code, api_token, refresh_token, auth_session,
  user_recovery_code, user_mfa, user_settings, user_auth_provider, user_auth_credential, app_user,
  tenant;
DROP FUNCTION acting_user();
DROP FUNCTION acts_as_system();
-- The role stays: other databases of this server may use it.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM liminal_service;
REVOKE ALL ON SCHEMA public FROM liminal_service;
