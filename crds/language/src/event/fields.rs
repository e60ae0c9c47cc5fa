//! The top-level members of an event that the listener itself reads.

use std::borrow::Cow;

use super::{decode, lossy, members};

macro_rules! fields {
    ($($field:ident $name:literal),+ $(,)?) => {
        /// A member of an event that the listener itself reads.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Field {
            $(#[doc = concat!("`", $name, "`")] $field,)+
        }

        impl Field {
            /// How many there are.
            const COUNT: usize = [$($name),+].len();

            /// Its name in the event.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$field => $name,)+
                }
            }

            fn of(name: &[u8]) -> Option<Self> {
                const NAMES: [&[u8]; Field::COUNT] = [$($name.as_bytes()),+];
                const ALL: [Field; Field::COUNT] = [$(Field::$field),+];
                NAMES.iter().position(|known| *known == name).and_then(|place| ALL.get(place).copied())
            }
        }
    };
}

fields! {
    AppId "appId",
    PortalId "portalId",
    SubscriptionId "subscriptionId",
    EventId "eventId",
    OccurredAt "occurredAt",
    SubscriptionType "subscriptionType",
    EventType "eventType",
    ObjectId "objectId",
    ObjectTypeId "objectTypeId",
    FromObjectId "fromObjectId",
    FromObjectTypeId "fromObjectTypeId",
    ToObjectId "toObjectId",
    ToObjectTypeId "toObjectTypeId",
    AssociationRemoved "associationRemoved",
    PropertyName "propertyName",
    PropertyValue "propertyValue",
    MessageId "messageId",
    ChangeSource "changeSource",
}

/// The JSON text of each [`Field`] as written. Where a name is repeated, the last one counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields<'a> {
    written: [Option<&'a [u8]>; Field::COUNT],
}

impl<'a> Fields<'a> {
    /// The member's JSON text, quotes of a string included; none where it is absent.
    pub fn written(&self, field: Field) -> Option<&'a [u8]> {
        self.written.get(field as usize).copied().flatten()
    }

    /// The same, none also where it is `null`.
    pub fn present(&self, field: Field) -> Option<&'a [u8]> {
        self.written(field).filter(|written| *written != b"null")
    }

    /// The member for people: a string's characters, anything else as written; none where it is
    /// absent or `null`.
    pub fn text(&self, field: Field) -> Option<Cow<'a, str>> {
        let written = self.present(field)?;
        Some(match string(written) {
            Some(inner) => lossy(inner),
            None => String::from_utf8_lossy(written),
        })
    }

    /// The `subscriptionType`; where it is absent, the `eventType`.
    pub fn kind(&self) -> Option<&'a [u8]> {
        self.present(Field::SubscriptionType).or_else(|| self.present(Field::EventType))
    }
}

/// Reads them in one shallow pass; empty where `element` is no JSON object.
pub fn fields(element: &[u8]) -> Fields<'_> {
    let mut fields = Fields::default();
    let read = members(element, |name, written| {
        let field =
            if memchr::memchr(b'\\', name).is_some() { Field::of(&decode(name)) } else { Field::of(name) };
        if let Some(slot) = field.and_then(|field| fields.written.get_mut(field as usize)) {
            *slot = Some(written);
        }
    });
    if read.is_err() { Fields::default() } else { fields }
}

/// The inside of a string's quotes, where `written` is a string.
pub(crate) fn string(written: &[u8]) -> Option<&[u8]> {
    written.strip_prefix(b"\"")?.strip_suffix(b"\"")
}
