//! Sizes, as Kubernetes writes them.

/// Bytes of `5Gi`, `1.5T`, `5000M`, `5368709120`; none for what is no size.
///
/// Good to compare by, not to count with: of more than 2^53 bytes the last ones are rounded.
pub(super) fn bytes(text: &str) -> Option<f64> {
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let factor = match unit {
        "" => 1.0,
        "m" => 0.001,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0_f64.powi(2),
        "Gi" => 1024.0_f64.powi(3),
        "Ti" => 1024.0_f64.powi(4),
        "Pi" => 1024.0_f64.powi(5),
        "Ei" => 1024.0_f64.powi(6),
        // An exponent, 5e9.
        _ => return text.parse().ok().filter(|number: &f64| number.is_finite()),
    };
    number.parse::<f64>().ok().map(|number| number * factor)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::bytes;

    #[rstest]
    #[case("5Gi", Some(5_368_709_120.0))]
    #[case("5G", Some(5e9))]
    #[case("1.5Ti", Some(1_649_267_441_664.0))]
    #[case("5368709120", Some(5_368_709_120.0))]
    #[case("5e9", Some(5e9))]
    #[case("", None)]
    #[case("five", None)]
    #[case("5Xi", None)]
    fn a_size_is_read_as_the_api_server_reads_it(#[case] text: &str, #[case] size: Option<f64>) {
        assert_eq!(bytes(text), size);
    }
}
