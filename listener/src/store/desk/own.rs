//! Deliveries of our own: an error before any destination that is sent again. The request id says
//! which error it is, so that whoever puts the delivery down resolves the error, once.

use uuid::Uuid;

/// The first bytes of a request id of ours; version and variant stand in other places.
const MARK: [u8; 6] = *b"hsl/er";

/// The request id of an error that is sent again.
pub(in crate::store) fn request_id(error: i64) -> Uuid {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&MARK);
    // The variant takes the two highest bits of byte 8; a number never reaches them.
    bytes[8..].copy_from_slice(&error.to_be_bytes());
    Uuid::new_v8(bytes)
}

/// The error that a request id stands for.
pub(in crate::store) fn error_of(request: Uuid) -> Option<i64> {
    let bytes = request.as_bytes();
    if request.get_version_num() != 8 || bytes[..6] != MARK {
        return None;
    }
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[8..]);
    number[0] &= 0b0011_1111;
    Some(i64::from_be_bytes(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_names_its_error_and_no_other_request_names_one() {
        for error in [1, 2, 255, 256, 1 << 40, i64::MAX >> 2] {
            assert_eq!(error_of(request_id(error)), Some(error));
        }
        for _ in 0..1_000 {
            assert_eq!(error_of(Uuid::now_v7()), None);
            assert_eq!(error_of(Uuid::new_v4()), None);
        }
    }
}
