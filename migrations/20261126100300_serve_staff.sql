-- What staff need beside what customers have: room that they grant, holds that two of them change, what became of a report.
SET lock_timeout = '5s';

-- `places` is what counts: as many as staff grant, or, when they grant none, as many as the cell says that it has.
ALTER TABLE cell_room
    ADD COLUMN said integer CHECK (said >= 0),
    ADD COLUMN granted integer CHECK (granted >= 0);

ALTER TABLE holds ADD COLUMN version bigint NOT NULL DEFAULT 1;
CREATE INDEX holds_open ON holds (since DESC) WHERE lifted_at IS NULL;

ALTER TABLE abuse_reports
    ADD COLUMN decision text CHECK (decision IN ('dismissed', 'held')),
    -- The hold that it led to.
    ADD COLUMN hold_id uuid REFERENCES holds,
    ADD COLUMN version bigint NOT NULL DEFAULT 1;
CREATE INDEX abuse_reports_state ON abuse_reports (state, id DESC);
