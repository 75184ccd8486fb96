-- Deletes calls $2 of account $1 from the archive of old calls. Those in the
-- database stay.
delete from platform.calls_archive
where account_sid = $1 and sid = any ($2)
