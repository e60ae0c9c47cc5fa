-- Replays: bulk acts with a destination. destination, element: of replays alone; their cursor is the last
-- record that was passed, cursor (its delivery) and element.
ALTER TABLE bulk ADD COLUMN destination text;
ALTER TABLE bulk ADD COLUMN element bigint NOT NULL DEFAULT 0;
CREATE INDEX bulk_replays ON bulk(destination, id) WHERE state = 1 AND destination IS NOT NULL;

-- Records of a replay, fixed by its plan. page: the one into which it was put; pages of replays are of
-- kind 2.
CREATE TABLE replay(
    bulk bigint NOT NULL,
    delivery bigint NOT NULL,
    element bigint NOT NULL,
    page bigint,
    PRIMARY KEY (bulk, delivery, element)
);
CREATE INDEX replay_of ON replay(delivery, element, bulk);
