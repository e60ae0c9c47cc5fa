//! The tables of a store, in the order in which they are copied. What is not here is made anew
//! (tallies, blocks of errors, the embedded store's search index and segments) or ends with the process
//! (leases, paces, duties).
//!
//! Whoever adds a table or a column to a store adds it here, and raises [`VERSION`].

use super::table::{Column, From, Table, bytes, flag, int, text, uuid};

/// Version of the stream of rows.
pub(in crate::store) const VERSION: i64 = 1;

/// Deliveries, whose bodies the embedded store has in its journal.
pub(in crate::store) const DELIVERIES: &str = "delivery";
/// Rows of `page_failed`, which the embedded store keeps with the page.
pub(in crate::store) const PAGE_FAILED: &str = "page_failed";
/// What was erased.
pub(in crate::store) const ERASURES: &str = "erasure";
/// The series, of which the embedded store keeps the attempts apart.
pub(in crate::store) const MINUTES: &str = "minute";

/// All of them.
pub(in crate::store) const TABLES: &[Table] = &[
    Table {
        // Of six hours each: see the slices of the PostgreSQL store.
        extra: Some(("slice", "floor(r.received_at::numeric / 21600000)::bigint")),
        ..Table::new(DELIVERIES, 1, DELIVERY)
    },
    Table::new("dedupe", 2, &[int("occurred_at"), bytes("hash"), int("seen_at")]),
    Table::new("epoch", 1, &[int("first_page"), text("name")]),
    Table::new("destination", 1, DESTINATION),
    Table::new("page", 1, PAGE),
    Table::new("attempt", 2, &[int("page"), int("number"), int("at"), int("took_ms"), int("status")]),
    Table {
        // Some may be there of pages that are gone.
        worked: "(SELECT DISTINCT page, delivery, element FROM page_failed \
            WHERE EXISTS (SELECT 1 FROM page WHERE page.number = page_failed.page)) AS page_failed",
        ..Table::new(PAGE_FAILED, 3, &[int("page"), int("delivery"), int("element")])
    },
    Table::new("hooked", 2, HOOKED),
    Table {
        // Two processes that first write one text at once both keep theirs; the embedded store has each once.
        worked: "(SELECT min(id) AS id, text FROM message GROUP BY text) AS message",
        ..Table::new("message", 1, &[int("id"), text("text")])
    },
    Table::new("error", 1, ERROR),
    Table::new(
        "payload",
        1,
        &[int("error"), bytes("original"), bytes("edited"), text("edited_by"), int("edited_at")],
    ),
    Table::new("tag", 2, &[text("tag"), int("error")]),
    Table::new("note", 1, &[int("id"), int("error"), int("at"), text("author"), text("text")]),
    Table::new("audit", 1, AUDIT),
    Table::new("bulk", 1, BULK),
    Table::new("bulk_item", 2, &[int("bulk"), int("error"), flag("done")]),
    Table::new("retry", 3, &[int("page"), int("delivery"), int("element"), int("error")]),
    Table::new("replay", 3, &[int("bulk"), int("delivery"), int("element"), int("page")]),
    Table {
        // Of the others the error without a payload says that they are still to be erased.
        from: "(SELECT delivery, element FROM erasure WHERE state = 2)",
        ..Table::new(ERASURES, 2, &[int("delivery"), int("element")])
    },
    Table::new("refused", 1, REFUSED),
    Table::new("told", 1, &[text("key"), int("at")]),
    Table {
        from: "(SELECT at, '' AS destination, events, refused, errors, 0 AS attempts, 0 AS took_ms, backlog \
            FROM minute UNION ALL SELECT at, destination, 0, 0, 0, attempts, took_ms, NULL FROM latency)",
        // Rows to be added up.
        worked: "(SELECT at, destination, sum(events) AS events, sum(refused) AS refused, sum(errors) AS errors, \
            sum(attempts) AS attempts, sum(took_ms) AS took_ms, max(backlog) AS backlog \
            FROM minute GROUP BY at, destination) AS minute",
        ..Table::new(MINUTES, 2, MINUTE)
    },
];

const DELIVERY: &[Column] = &[
    int("seq"),
    int("received_at"),
    uuid("request"),
    int("first_ordinal"),
    int("length"),
    bytes("records"),
    bytes("body").out_of(From::Body),
];

const DESTINATION: &[Column] = &[
    text("name"),
    int("cursor_delivery"),
    int("cursor_index"),
    int("cursor_ordinal"),
    int("delivered"),
    int("ignored"),
    int("page_records"),
    int("changed"),
    int("withheld"),
    int("begins"),
];

const PAGE: &[Column] = &[
    int("number"),
    text("destination"),
    int("state"),
    int("kind"),
    int("first_delivery"),
    bytes("records"),
    int("first_element").out_of(From::FirstElement),
    int("record_count"),
    flag("oversized"),
    int("attempts"),
    int("first_attempt_at"),
    int("due_at"),
    int("created_at"),
    int("settled_at"),
    int("parent"),
];

const ERROR: &[Column] = &[
    int("id"),
    int("first_at"),
    int("last_at"),
    int("delivery"),
    // The first of those with its text, as above.
    int("message").worked_on(
        "coalesce((SELECT min(same.id) FROM message AS own JOIN message AS same ON same.text = own.text \
         AND hashtextextended(same.text, 0) = hashtextextended(own.text, 0) WHERE own.id = error.message), message)",
    ),
    int("page"),
    int("waits_until"),
    int("retry_page"),
    int("resolved_at"),
    int("newer_error"),
    int("element"),
    int("attempts"),
    int("state"),
    int("status"),
    flag("has_payload"),
    flag("edited"),
    flag("erased")
        .out_of(From::Sql(
            "NOT has_payload AND EXISTS (SELECT 1 FROM erasure WHERE erasure.delivery = error.delivery \
             AND erasure.element = error.element AND erasure.state = 2)",
        ))
        .worked_on(
            "NOT has_payload AND EXISTS (SELECT 1 FROM erasure WHERE erasure.delivery = error.delivery \
             AND erasure.element = error.element)",
        ),
    text("destination"),
    text("class"),
    text("trace_key"),
    text("code"),
    text("response"),
    text("data_uri"),
    text("assignee"),
    text("retried_by"),
    text("resolved_by"),
    text("resolution"),
];

const HOOKED: &[Column] = &[
    int("delivery"),
    int("element"),
    int("fate"),
    // Zeros of its length stand in the place of one that was erased; nothing in PostgreSQL.
    bytes("payload").out_of(From::Shown(
        "CASE WHEN payload IS NOT NULL AND EXISTS (SELECT 1 FROM erasure WHERE erasure.delivery = hooked.delivery \
         AND erasure.element = hooked.element AND erasure.state = 2) THEN x'' ELSE payload END",
    )),
];

const AUDIT: &[Column] =
    &[int("id"), int("at"), text("actor"), text("act"), int("error"), int("bulk"), text("detail")];

const BULK: &[Column] = &[
    int("id"),
    text("actor"),
    text("selection"),
    text("act"),
    int("state"),
    flag("whole"),
    int("total"),
    int("done"),
    int("passed"),
    int("cursor"),
    int("planned_at"),
    int("started_at"),
    int("ended_at"),
    text("destination"),
    int("element"),
];

const REFUSED: &[Column] = &[
    int("number"),
    uuid("id"),
    int("at"),
    int("status"),
    text("cause"),
    text("diagnosis"),
    text("diagnosis_code"),
    text("request_line"),
    text("headers"),
    bytes("body"),
    int("body_bytes"),
    text("peer"),
    int("size"),
];

const MINUTE: &[Column] = &[
    int("at"),
    text("destination"),
    int("events"),
    int("refused"),
    int("errors"),
    int("attempts"),
    int("took_ms"),
    int("backlog"),
];

/// What stands in no row of these tables, in order: the store's name in page ids, what was counted, and
/// the last numbers that were given.
pub(in crate::store) const COUNTERS: usize = 18;
