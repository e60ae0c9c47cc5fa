//! The operators between two values.

use std::cmp::Ordering;
use std::rc::Rc;

use super::plan::Binary;
use crate::filter::fuel::{Failure, Fuel};
use crate::filter::json;
use crate::filter::value::Val;

/// Applies `operator`.
pub(super) fn operate<'a>(
    operator: Binary,
    left: &Val<'a>,
    right: &Val<'a>,
    fuel: &Fuel,
) -> Result<Val<'a>, Failure> {
    match operator {
        Binary::Equal => left.equals(right, fuel).map(Val::Bool),
        Binary::NotEqual => left.equals(right, fuel).map(|equal| Val::Bool(!equal)),
        Binary::Less => ordered(left, right, fuel, Ordering::is_lt),
        Binary::LessOrEqual => ordered(left, right, fuel, Ordering::is_le),
        Binary::Greater => ordered(left, right, fuel, Ordering::is_gt),
        Binary::GreaterOrEqual => ordered(left, right, fuel, Ordering::is_ge),
        Binary::In => within(left, right, fuel).map(Val::Bool),
        Binary::Add => add(left, right, fuel),
        Binary::Subtract | Binary::Multiply | Binary::Divide | Binary::Remainder => {
            reckon(operator, left, right)
        }
    }
}

fn ordered<'a>(
    left: &Val<'_>,
    right: &Val<'_>,
    fuel: &Fuel,
    is: fn(Ordering) -> bool,
) -> Result<Val<'a>, Failure> {
    let no_number = |value: &Val<'_>| matches!(value, Val::Double(double) if double.is_nan());
    match left.compare(right, fuel)? {
        Some(order) => Ok(Val::Bool(is(order))),
        None if no_number(left) || no_number(right) => Ok(Val::Bool(false)),
        None => Err(Failure::value(format!("{} has no order with {}", left.kind(), right.kind()))),
    }
}

fn within(left: &Val<'_>, right: &Val<'_>, fuel: &Fuel) -> Result<bool, Failure> {
    if let (Val::Text(name), Val::Object(object)) = (left, right) {
        return Ok(json::member(fuel, object, name.as_str())?.is_some());
    }
    let items = match right {
        Val::Array(_) | Val::List(_) => right.items(fuel)?.unwrap_or_default(),
        Val::Object(_) => return Ok(false),
        _ => return Err(Failure::value(format!("`in` cannot look into {}", right.kind()))),
    };
    for item in items.iter() {
        if left.equals(item, fuel)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn add<'a>(left: &Val<'a>, right: &Val<'a>, fuel: &Fuel) -> Result<Val<'a>, Failure> {
    match (left, right) {
        (Val::Text(left), Val::Text(right)) => {
            fuel.bytes(left.as_str().len() + right.as_str().len())?;
            Val::made(fuel, format!("{}{}", left.as_str(), right.as_str()))
        }
        (Val::Array(_) | Val::List(_), Val::Array(_) | Val::List(_)) => {
            let (left, right) =
                (left.items(fuel)?.unwrap_or_default(), right.items(fuel)?.unwrap_or_default());
            fuel.burn(left.len() + right.len())?;
            Ok(Val::List(Rc::new(left.iter().chain(right.iter()).cloned().collect())))
        }
        _ => reckon(Binary::Add, left, right),
    }
}

fn reckon<'a>(operator: Binary, left: &Val<'_>, right: &Val<'_>) -> Result<Val<'a>, Failure> {
    let result = match (left, right) {
        (Val::Int(left), Val::Int(right)) => match operator {
            Binary::Add => left.checked_add(*right),
            Binary::Subtract => left.checked_sub(*right),
            Binary::Multiply => left.checked_mul(*right),
            Binary::Divide => left.checked_div(*right),
            _ => left.checked_rem(*right),
        }
        .map(Val::Int),
        (Val::Uint(left), Val::Uint(right)) => match operator {
            Binary::Add => left.checked_add(*right),
            Binary::Subtract => left.checked_sub(*right),
            Binary::Multiply => left.checked_mul(*right),
            Binary::Divide => left.checked_div(*right),
            _ => left.checked_rem(*right),
        }
        .map(Val::Uint),
        (Val::Double(left), Val::Double(right)) => match operator {
            Binary::Add => Some(left + right),
            Binary::Subtract => Some(left - right),
            Binary::Multiply => Some(left * right),
            Binary::Divide => Some(left / right),
            _ => return Err(Failure::value("`%` is for whole numbers")),
        }
        .map(Val::Double),
        (Val::Int(_) | Val::Uint(_) | Val::Double(_), Val::Int(_) | Val::Uint(_) | Val::Double(_)) => {
            let reason = "whole numbers and others are not reckoned together: use int() or double()";
            return Err(Failure::value(reason));
        }
        _ => {
            let reason = format!("{} and {} are not reckoned together", left.kind(), right.kind());
            return Err(Failure::value(reason));
        }
    };
    result.ok_or_else(|| Failure::value("a whole number is divided by 0, or grows too large"))
}
