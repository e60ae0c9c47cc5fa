//! Looks into JSON text without taking it apart first. Every look costs fuel by its length.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::fuel::{Failure, Fuel};
use crate::event::{self, decode, lossy};

/// The top-level members of `event` that stand in `wanted`, in the order of `wanted`.
pub(super) fn wanted<'a>(
    fuel: &Fuel,
    event: &'a [u8],
    wanted: &[Box<str>],
) -> Result<Vec<Option<&'a [u8]>>, Failure> {
    fuel.bytes(event.len())?;
    let mut slots = vec![None; wanted.len()];
    event::members(event, |name, written| {
        let name = name_of(name);
        let place = wanted.iter().position(|wanted| wanted.as_bytes() == name.as_ref());
        if let Some(slot) = place.and_then(|place| slots.get_mut(place)) {
            *slot = Some(written);
        }
    })
    .map_err(|_| Failure::value("the event is no JSON object"))?;
    Ok(slots)
}

/// The member `name` of an object; the last one where it is repeated.
pub(super) fn member<'a>(fuel: &Fuel, object: &'a [u8], name: &str) -> Result<Option<&'a [u8]>, Failure> {
    fuel.bytes(object.len())?;
    let mut found = None;
    event::members(object, |member, written| {
        if name_of(member).as_ref() == name.as_bytes() {
            found = Some(written);
        }
    })
    .map_err(|_| broken())?;
    Ok(found)
}

/// All members of an object, by name.
pub(super) fn members<'a>(
    fuel: &Fuel,
    object: &'a [u8],
) -> Result<BTreeMap<Cow<'a, str>, &'a [u8]>, Failure> {
    fuel.bytes(object.len())?;
    let mut found = BTreeMap::new();
    event::members(object, |name, written| {
        found.insert(lossy(name), written);
    })
    .map_err(|_| broken())?;
    fuel.burn(found.len())?;
    Ok(found)
}

/// All elements of an array.
pub(super) fn elements<'a>(fuel: &Fuel, list: &'a [u8]) -> Result<Vec<&'a [u8]>, Failure> {
    fuel.bytes(list.len())?;
    let mut found = Vec::new();
    event::elements(list, |element| found.push(element)).map_err(|_| broken())?;
    fuel.burn(found.len())?;
    Ok(found)
}

fn name_of(written: &[u8]) -> Cow<'_, [u8]> {
    decode(written)
}

fn broken() -> Failure {
    Failure::value("the event is no JSON")
}
