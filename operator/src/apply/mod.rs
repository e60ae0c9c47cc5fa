//! Step 4: writes what differs, and prunes what the manifest no longer wants.
//!
//! # How it is written
//!
//! By server-side apply, with one field manager and force: what the operator says counts, and
//! fields that others set beside it stay. What the pods need comes first, the Deployment last.
//! An update names the uid of the object that it was decided on, so that it never makes or
//! changes another one.
//!
//! # When it is written
//!
//! For each child the process remembers what it applied (a hash), and which object came of it
//! (uid, resourceVersion, generation). Nothing is asked of the API server when the hash is the
//! same and the object in the cache is
//!
//! - in the version that came of it, or in an older one (the cache is behind), or
//! - in a newer one of the same generation, with our labels, annotations and owner still on it:
//!   then only its status moved. Kinds without a generation do not have this case; there a newer
//!   version is answered with one apply, which changes nothing if nothing has drifted.
//!
//! Anything else is drift or news, and is applied. A process that begins remembers nothing, and
//! so applies each child once: that repairs what drifted while no operator ran.
//!
//! # The number of pods
//!
//! With autoscaling the Deployment is applied without one. What the operator said before would go back
//! to 1 when it says it no more, so [`handover`] first has somebody else say the number that stands.
//!
//! # What is never touched
//!
//! An object that has a child's name and is not this listener's ([`Refusal::Foreign`]). The
//! caches hold what has our label; so before a child is made that they do not know, one request
//! asks whether something else has its name. That is looked at for all children before the first
//! is written: a manifest is carried out as a whole or not at all. A claim is
//! never pruned: it may hold what was accepted and not delivered ([`Kind::is_pruned`]).

pub mod children;
mod handover;
pub mod kind;
pub mod label;
pub mod memory;
pub mod refusal;
mod write;

pub use children::{Desired, desired};
pub use kind::Kind;
pub use memory::Memory;
pub use refusal::{ApplyError, Refusal};
pub use write::{Applier, Survey};
