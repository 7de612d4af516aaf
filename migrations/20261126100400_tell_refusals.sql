SET lock_timeout = '5s';
-- Whether the last who asked got a token: what is left in the bucket does not tell, and it is known in the statement that takes.
ALTER TABLE rate_limits ADD COLUMN granted boolean NOT NULL DEFAULT true;
