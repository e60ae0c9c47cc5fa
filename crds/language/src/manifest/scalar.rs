//! What a plain YAML scalar means to kubectl, which reads YAML 1.1: `y`, `yes` and `on` are true,
//! and `010` is eight. Quoted and block scalars are always text.

use serde_json::{Number, Value};

/// The value of a plain scalar.
pub(super) fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" | "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => {
            return Value::Bool(true);
        }
        "false" | "False" | "FALSE" | "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

fn number(text: &str) -> Option<Number> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        return None;
    }
    let digits = text.replace('_', "");
    whole(&digits).or_else(|| broken(&digits))
}

fn whole(text: &str) -> Option<Number> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0x" | "0X") => (16, digits.get(2..)?),
        Some("0o" | "0O") => (8, digits.get(2..)?),
        Some("0b" | "0B") => (2, digits.get(2..)?),
        Some(two) if two.starts_with('0') => (8, digits),
        _ => (10, digits),
    };
    if !digits.starts_with(|c: char| c.is_digit(radix)) {
        return None;
    }
    let value = u64::from_str_radix(digits, radix).ok()?;
    if negative { 0_i64.checked_sub_unsigned(value).map(Number::from) } else { Some(value.into()) }
}

/// `[-+]?([.][0-9]+|[0-9]+([.][0-9]*)?)([eE][-+]?[0-9]+)?`, and no words such as `.inf`.
fn broken(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let shape = all_digits(before)
        && all_digits(after)
        && !(before.is_empty() && after.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && all_digits(exponent));
    if !shape {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    // kubectl sends 2.0 as 2.
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
        return format!("{value:.0}").parse::<i64>().ok().map(Number::from);
    }
    Number::from_f64(value)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case("20", json!(20))]
    #[case("-7", json!(-7))]
    #[case("010", json!(8))]
    #[case("0x1F", json!(31))]
    #[case("0b11", json!(3))]
    #[case("1_000", json!(1000))]
    #[case("2.0", json!(2))]
    #[case("1e3", json!(1000))]
    #[case("1.5", json!(1.5))]
    #[case("18446744073709551615", json!(18_446_744_073_709_551_615_u64))]
    #[case("-9223372036854775808", json!(i64::MIN))]
    #[case("yes", json!(true))]
    #[case("off", json!(false))]
    #[case("~", json!(null))]
    #[case("", json!(null))]
    #[case("5Gi", json!("5Gi"))]
    #[case("1.2.3", json!("1.2.3"))]
    #[case("-", json!("-"))]
    #[case("0x", json!("0x"))]
    #[case("+-1", json!("+-1"))]
    #[case("09", json!(9))]
    #[case(".inf", json!(".inf"))]
    #[case("2026-11-25", json!("2026-11-25"))]
    #[case("y", json!(true))]
    #[case("١", json!("١"))]
    fn a_plain_scalar_is_what_kubectl_reads(#[case] text: &str, #[case] value: Value) {
        assert_eq!(plain(text), value);
    }
}
