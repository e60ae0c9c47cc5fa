//! The codes of diagnoses: values of a metric's label, so a closed list.

/// What was found. The texts are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// `no_signature`: no signature header of any version.
    NoSignature,
    /// `version_not_allowed`: only a signature of a version that the listener does not take.
    VersionNotAllowed,
    /// `several_headers`: a signature or timestamp header stands more than once.
    SeveralHeaders,
    /// `no_timestamp`: v3 without its timestamp.
    NoTimestamp,
    /// `timestamp_form`: the timestamp is not plain digits that fit 64 bits.
    TimestampForm,
    /// `timestamp_in_seconds`: seconds where milliseconds belong.
    TimestampInSeconds,
    /// `too_old`: right, but older than allowed: a replay, a slow way, or a clock that is wrong.
    TooOld,
    /// `too_old_and_wrong`: older than allowed, and the signature is wrong as well.
    TooOldAndWrong,
    /// `ahead`: right, but further ahead than allowed: a clock is wrong.
    Ahead,
    /// `ahead_and_wrong`: further ahead than allowed, and the signature is wrong as well.
    AheadAndWrong,
    /// `non_ascii`: the signature header holds characters that no signature has.
    NonAscii,
    /// `hex_instead_of_base64`: the right digest in hex, where v3 writes Base64.
    HexInsteadOfBase64,
    /// `base64_instead_of_hex`: the right digest in Base64, where v1 and v2 write hex.
    Base64InsteadOfHex,
    /// `upper_case_hex`: the right digest in capital hex digits.
    UpperCaseHex,
    /// `padding_missing`: the `=` at the end is gone.
    PaddingMissing,
    /// `url_safe_alphabet`: `-` and `_` instead of `+` and `/`.
    UrlSafeAlphabet,
    /// `plus_to_space`: something on the way turned `+` into a space.
    PlusToSpace,
    /// `whitespace`: white space within or around the right digest.
    Whitespace,
    /// `decorated`: quotes or a prefix such as `sha256=` around the right digest.
    Decorated,
    /// `truncated`: the right digest, cut short.
    Truncated,
    /// `not_a_digest`: neither hex nor Base64 of 32 bytes.
    NotADigest,
    /// `v1_value`: made as v1 is, in the header of another version.
    V1Value,
    /// `v2_value`: made as v2 is, in the header of another version.
    V2Value,
    /// `v3_value`: made as v3 is, in the header of another version.
    V3Value,
    /// `path_only`: signed over the path without scheme and host.
    PathOnly,
    /// `host`: signed over another host.
    Host,
    /// `scheme`: signed over `http` where the public URL has `https`, or the other way round.
    Scheme,
    /// `path`: signed over another path: something on the way rewrites it.
    Path,
    /// `trailing_slash`: signed with a slash at the end of the path and registered without, or the other way round.
    TrailingSlash,
    /// `query_missing`: signed without the query.
    QueryMissing,
    /// `query_reordered`: signed over a sorted query.
    QueryReordered,
    /// `uri_decoding`: signed over the URL with other escapes decoded than the twelve.
    UriDecoding,
    /// `method`: signed over another method.
    Method,
    /// `body_whitespace`: signed with other white space around the body, or other ends of line.
    BodyWhitespace,
    /// `body_reserialised`: signed over the same JSON, printed in another way.
    BodyReserialised,
    /// `secret_whitespace`: signed with the secret but for white space around it.
    SecretWhitespace,
    /// `v1_fits_v3_does_not`: the v1 signature beside it fits, so secret and body are right.
    V1FitsV3DoesNot,
    /// `access_token`: nothing fits, and a configured secret is an access token.
    AccessToken,
    /// `no_match`: nothing fits: most likely the secret of another app, or a changed body.
    NoMatch,
}

impl Code {
    /// Each of them, once.
    pub const ALL: [Self; 39] = [
        Self::NoSignature,
        Self::VersionNotAllowed,
        Self::SeveralHeaders,
        Self::NoTimestamp,
        Self::TimestampForm,
        Self::TimestampInSeconds,
        Self::TooOld,
        Self::TooOldAndWrong,
        Self::Ahead,
        Self::AheadAndWrong,
        Self::NonAscii,
        Self::HexInsteadOfBase64,
        Self::Base64InsteadOfHex,
        Self::UpperCaseHex,
        Self::PaddingMissing,
        Self::UrlSafeAlphabet,
        Self::PlusToSpace,
        Self::Whitespace,
        Self::Decorated,
        Self::Truncated,
        Self::NotADigest,
        Self::V1Value,
        Self::V2Value,
        Self::V3Value,
        Self::PathOnly,
        Self::Host,
        Self::Scheme,
        Self::Path,
        Self::TrailingSlash,
        Self::QueryMissing,
        Self::QueryReordered,
        Self::UriDecoding,
        Self::Method,
        Self::BodyWhitespace,
        Self::BodyReserialised,
        Self::SecretWhitespace,
        Self::V1FitsV3DoesNot,
        Self::AccessToken,
        Self::NoMatch,
    ];

    /// For programs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSignature => "no_signature",
            Self::VersionNotAllowed => "version_not_allowed",
            Self::SeveralHeaders => "several_headers",
            Self::NoTimestamp => "no_timestamp",
            Self::TimestampForm => "timestamp_form",
            Self::TimestampInSeconds => "timestamp_in_seconds",
            Self::TooOld => "too_old",
            Self::TooOldAndWrong => "too_old_and_wrong",
            Self::Ahead => "ahead",
            Self::AheadAndWrong => "ahead_and_wrong",
            Self::NonAscii => "non_ascii",
            Self::HexInsteadOfBase64 => "hex_instead_of_base64",
            Self::Base64InsteadOfHex => "base64_instead_of_hex",
            Self::UpperCaseHex => "upper_case_hex",
            Self::PaddingMissing => "padding_missing",
            Self::UrlSafeAlphabet => "url_safe_alphabet",
            Self::PlusToSpace => "plus_to_space",
            Self::Whitespace => "whitespace",
            Self::Decorated => "decorated",
            Self::Truncated => "truncated",
            Self::NotADigest => "not_a_digest",
            Self::V1Value => "v1_value",
            Self::V2Value => "v2_value",
            Self::V3Value => "v3_value",
            Self::PathOnly => "path_only",
            Self::Host => "host",
            Self::Scheme => "scheme",
            Self::Path => "path",
            Self::TrailingSlash => "trailing_slash",
            Self::QueryMissing => "query_missing",
            Self::QueryReordered => "query_reordered",
            Self::UriDecoding => "uri_decoding",
            Self::Method => "method",
            Self::BodyWhitespace => "body_whitespace",
            Self::BodyReserialised => "body_reserialised",
            Self::SecretWhitespace => "secret_whitespace",
            Self::V1FitsV3DoesNot => "v1_fits_v3_does_not",
            Self::AccessToken => "access_token",
            Self::NoMatch => "no_match",
        }
    }
}
