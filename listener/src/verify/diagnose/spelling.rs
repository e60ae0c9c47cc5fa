//! Reads a digest out of a signature header as liberally as can be, and says in what its spelling differs from the
//! prescribed one.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use super::Code;

const LIBERAL: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A header longer than this holds no digest in any spelling.
const MAX_LENGTH: usize = 256;

/// A digest and how it was spelt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spelling {
    pub(super) digest: [u8; 32],
    /// The first thing that differs from the prescribed form.
    pub(super) defect: Option<Code>,
}

/// Reads a digest; `base64` where Base64 is prescribed, and not hex.
pub(super) fn read(text: &[u8], base64: bool) -> Option<Spelling> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let whole = std::str::from_utf8(text).ok()?;
    let mut defect = None;
    let mut note = |code| {
        defect.get_or_insert(code);
    };

    let mut core = whole.trim();
    if core != whole {
        note(Code::Whitespace);
    }
    let bare = core.trim_matches(['"', '\'', '<', '>']);
    let bare =
        ["sha256=", "v1=", "v2=", "v3="].iter().find_map(|prefix| bare.strip_prefix(prefix)).unwrap_or(bare);
    if bare != core {
        note(Code::Decorated);
        core = bare;
    }
    let spaces = core.bytes().filter(u8::is_ascii_whitespace).count();
    let mut core = core.to_owned();
    if spaces > 0 {
        // A space more than a digest has characters was put in; otherwise it stands where a `+` stood.
        if matches!(core.len(), 43 | 44) {
            note(Code::PlusToSpace);
            core = core.replace(' ', "+");
        } else {
            note(Code::Whitespace);
            core.retain(|character| !character.is_ascii_whitespace());
        }
    }

    let mut digest = [0_u8; 32];
    if core.len() == 64 && hex::decode_to_slice(&core, &mut digest).is_ok() {
        if base64 {
            note(Code::HexInsteadOfBase64);
        } else if core.bytes().any(|byte| byte.is_ascii_uppercase()) {
            note(Code::UpperCaseHex);
        }
        return Some(Spelling { digest, defect });
    }

    let standard = core.replace('-', "+").replace('_', "/");
    digest = LIBERAL.decode(&standard).ok()?.try_into().ok()?;
    if !base64 {
        note(Code::Base64InsteadOfHex);
    } else if standard != core {
        note(Code::UrlSafeAlphabet);
    } else if !core.ends_with('=') {
        note(Code::PaddingMissing);
    }
    Some(Spelling { digest, defect })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RIGHT: &str = "mfRc4EGlbeAt4Knn3UmydK91QyGDv+ZlL5EV/r9fl3Q=";
    const HEX: &str = "99f45ce041a56de02de0a9e7dd49b274af75432183bfe6652f9115febf5f9774";

    #[test]
    fn every_spelling_gives_the_same_digest_and_names_its_defect() {
        let right = read(RIGHT.as_bytes(), true).unwrap();
        assert_eq!(right.defect, None);
        assert_eq!(read(HEX.as_bytes(), false).unwrap(), right);
        for (text, base64, code) in [
            (HEX.to_owned(), true, Code::HexInsteadOfBase64),
            (HEX.to_uppercase(), false, Code::UpperCaseHex),
            (RIGHT.to_owned(), false, Code::Base64InsteadOfHex),
            (RIGHT.replace('=', ""), true, Code::PaddingMissing),
            (RIGHT.replace('+', "-").replace('/', "_"), true, Code::UrlSafeAlphabet),
            (RIGHT.replace('+', " "), true, Code::PlusToSpace),
            (format!(" {RIGHT}"), true, Code::Whitespace),
            (RIGHT.replace("Knn", "K nn"), true, Code::Whitespace),
            (format!("\"{RIGHT}\""), true, Code::Decorated),
            (format!("sha256={HEX}"), false, Code::Decorated),
        ] {
            let spelling = read(text.as_bytes(), base64).unwrap();
            assert_eq!((spelling.digest, spelling.defect), (right.digest, Some(code)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_read_without_a_panic(text: Vec<u8>, base64: bool) {
            let _ = read(&text, base64);
        }
    }
}
