//! What makes an event known again.
//!
//! The key is made of these members, in this order: `appId`, `portalId`, `subscriptionId`,
//! `eventId`, `occurredAt`, `subscriptionType` (where it is absent, `eventType`), `objectId`,
//! `fromObjectId`, `toObjectId`, `associationRemoved`, `propertyName`, `propertyValue`,
//! `messageId`. Never `attemptNumber`: it differs between two tries of the same event.
//!
//! Each goes into SHA-256 as `place, kind, length, bytes`: one byte for its place in the list, one
//! for its kind, eight for the length (big-endian), then the value. Kinds:
//!
//! - `0` absent, with no bytes. Absent, `null` and empty are three different things.
//! - `1` string: its characters, so that `"A"` and `"\u0041"` are one.
//! - `2` anything else: the JSON text as written, so that `12345` and `12345.0` are two. HubSpot
//!   writes an event the same way each time, and taking two for one loses an event.
//!
//! An element without `eventId` (absent or `null`), as a workflow's record, has no key and is never
//! a duplicate.

use sha2::{Digest, Sha256};

use super::{Field, Fields, decode, fields, string};

/// What makes an event known again: see `product.md`. Ordered by `occurredAt`
/// first, so that a store's index of keys grows at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DedupeKey {
    /// The event's `occurredAt`, epoch milliseconds; 0 where it is no integer of 64 bits (the hash
    /// holds it as written all the same).
    pub occurred_at: i64,
    /// First 16 bytes of SHA-256 over the key's fields, each with its name and length.
    pub hash: [u8; 16],
}

/// The key of one element; none where the element has no `eventId`.
pub fn dedupe_key(element: &[u8]) -> Option<DedupeKey> {
    let fields = fields(element);
    fields.present(Field::EventId)?;
    Some(DedupeKey { occurred_at: occurred_at(&fields), hash: hash(&fields) })
}

fn occurred_at(fields: &Fields<'_>) -> i64 {
    fields
        .written(Field::OccurredAt)
        .and_then(|written| std::str::from_utf8(written).ok())
        .and_then(|written| written.parse().ok())
        .unwrap_or(0)
}

fn hash(fields: &Fields<'_>) -> [u8; 16] {
    let values = [
        fields.written(Field::AppId),
        fields.written(Field::PortalId),
        fields.written(Field::SubscriptionId),
        fields.written(Field::EventId),
        fields.written(Field::OccurredAt),
        fields.kind(),
        fields.written(Field::ObjectId),
        fields.written(Field::FromObjectId),
        fields.written(Field::ToObjectId),
        fields.written(Field::AssociationRemoved),
        fields.written(Field::PropertyName),
        fields.written(Field::PropertyValue),
        fields.written(Field::MessageId),
    ];
    let mut digest = Sha256::new();
    for (place, value) in (0_u8..).zip(values) {
        match value.map(|written| (written, string(written))) {
            None => part(&mut digest, place, 0, b""),
            Some((_, Some(inner))) => part(&mut digest, place, 1, &decode(inner)),
            Some((written, None)) => part(&mut digest, place, 2, written),
        }
    }
    let mut first = [0; 16];
    first.iter_mut().zip(digest.finalize()).for_each(|(to, from)| *to = from);
    first
}

fn part(digest: &mut Sha256, place: u8, kind: u8, bytes: &[u8]) {
    digest.update([place, kind]);
    digest.update((bytes.len() as u64).to_be_bytes());
    digest.update(bytes);
}
