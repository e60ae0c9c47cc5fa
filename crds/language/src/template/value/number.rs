//! Numbers as JavaScript reads and prints them.

use std::fmt::Write;

/// A double as JavaScript prints it: the shortest digits that give it back, `1e+21` and `1e-7`
/// at the ends, never `-0`.
pub(in crate::template) fn js_number(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    if !number.is_finite() {
        return if number.is_nan() { "NaN" } else { "Infinity" }.to_owned();
    }
    let sign = if number < 0.0 { "-" } else { "" };
    let shortest = format!("{:e}", number.abs());
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{sign}{}", place(&digits, exponent))
}

/// Digits `d.ddd` times ten to `exponent`, in the form that JavaScript chooses.
fn place(digits: &str, exponent: i32) -> String {
    let length = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let point = exponent + 1;
    if (length..=21).contains(&point) {
        format!("{digits}{}", "0".repeat(usize::try_from(point - length).unwrap_or(0)))
    } else if (1..=21).contains(&point) {
        let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or(0));
        format!("{whole}.{fraction}")
    } else if (-5..=0).contains(&point) {
        format!("0.{}{digits}", "0".repeat(usize::try_from(-point).unwrap_or(0)))
    } else {
        exponential(digits, exponent)
    }
}

/// `d.ddde+7`.
pub(in crate::template) fn exponential(digits: &str, exponent: i32) -> String {
    let mut text = String::with_capacity(digits.len() + 6);
    let (first, rest) = digits.split_at(digits.len().min(1));
    text.push_str(first);
    if !rest.is_empty() {
        text.push('.');
        text.push_str(rest);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    let _ = write!(text, "e{sign}{}", exponent.abs());
    text
}

/// Every digit of a positive double, without leading zeros, and the power of ten of the first:
/// 0.25 is (`25`, -1).
pub(in crate::template) fn exact_digits(number: f64) -> (String, i32) {
    let text = format!("{:.1074}", number.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let all = format!("{whole}{fraction}");
    let zeros = all.bytes().take_while(|digit| *digit == b'0').count();
    let digits = all.get(zeros..).unwrap_or_default().trim_end_matches('0').to_owned();
    let first = i32::try_from(whole.len()).unwrap_or(0) - 1 - i32::try_from(zeros).unwrap_or(0);
    (digits, first)
}

/// The first `keep` of `digits`, rounded, halves up; true when the rounding made one digit more
/// (`99` to `100`). `keep` may be larger than there are digits: zeros follow.
pub(in crate::template) fn round_digits(digits: &str, keep: usize) -> (String, bool) {
    let mut kept: Vec<u8> = digits.bytes().take(keep).collect();
    kept.resize(keep, b'0');
    if digits.as_bytes().get(keep).is_none_or(|next| *next < b'5') {
        return (String::from_utf8_lossy(&kept).into_owned(), false);
    }
    for digit in kept.iter_mut().rev() {
        if *digit == b'9' {
            *digit = b'0';
        } else {
            *digit += 1;
            return (String::from_utf8_lossy(&kept).into_owned(), false);
        }
    }
    kept.insert(0, b'1');
    (String::from_utf8_lossy(&kept).into_owned(), true)
}

/// A decimal number in text, white space around it allowed: what helpers take as a number.
pub(in crate::template) fn numeric_text(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    if !plain || text.is_empty() {
        return None;
    }
    text.parse().ok()
}

/// A text as `==` and `<` of JavaScript read it: empty is 0, `0x10` is 16, all else is NaN.
pub(in crate::template) fn loose_number(text: &str) -> f64 {
    let text = text.trim();
    let radix = |digits: &str, radix| u64::from_str_radix(digits, radix).map_or(f64::NAN, as_double);
    match text.get(..2) {
        _ if text.is_empty() => 0.0,
        Some("0x" | "0X") => radix(&text[2..], 16),
        Some("0o" | "0O") => radix(&text[2..], 8),
        Some("0b" | "0B") => radix(&text[2..], 2),
        _ => match text {
            "Infinity" | "+Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            text => numeric_text(text).unwrap_or(f64::NAN),
        },
    }
}

#[expect(clippy::cast_precision_loss, reason = "JavaScript's numbers are doubles")]
fn as_double(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_print_as_javascript_prints_them() {
        for (number, text) in [
            (1.0, "1"),
            (-0.0, "0"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (0.000_001, "0.000001"),
            (1e-7, "1e-7"),
            (-1.5e-9, "-1.5e-9"),
            (123_456.789, "123456.789"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
        ] {
            assert_eq!(js_number(number), text);
        }
    }

    #[test]
    fn rounding_carries_over_all_nines() {
        assert_eq!(round_digits("995", 2), ("100".to_owned(), true));
        assert_eq!(round_digits("994", 2), ("99".to_owned(), false));
        assert_eq!(round_digits("5", 0), ("1".to_owned(), true));
        assert_eq!(round_digits("25", 4), ("2500".to_owned(), false));
    }

    #[test]
    fn the_exact_digits_of_a_double_are_all_there() {
        assert_eq!(exact_digits(0.25), ("25".to_owned(), -1));
        assert_eq!(exact_digits(1024.5), ("10245".to_owned(), 3));
        assert!(exact_digits(1.005).0.starts_with("100499999"));
    }
}
