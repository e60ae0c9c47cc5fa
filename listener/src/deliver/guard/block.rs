//! A block of addresses in CIDR form.

use std::net::IpAddr;

/// A block that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an address block; write it like `10.1.0.0/16`, `127.0.0.1` or `fd00::/8`")]
pub struct BlockError {
    /// What was written.
    pub text: String,
}

/// A block of addresses of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    base: IpAddr,
    prefix: u8,
}

impl Block {
    /// Reads `address/prefix`, or one address.
    pub(super) fn parse(text: &str) -> Result<Self, BlockError> {
        let error = || BlockError { text: text.to_owned() };
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) if prefix.bytes().all(|byte| byte.is_ascii_digit()) => {
                (address, Some(prefix.parse::<u8>().map_err(|_| error())?))
            }
            Some(_) => return Err(error()),
            None => (text.trim(), None),
        };
        let base: IpAddr = address.parse().map_err(|_| error())?;
        let longest = if base.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(longest);
        if prefix > longest {
            return Err(error());
        }
        Ok(Self { base, prefix })
    }

    /// Whether the block holds `address`.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let Self { base, prefix } = *self;
        match (base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let differs = base.to_bits() ^ address.to_bits();
                differs.leading_zeros() >= u32::from(prefix)
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let differs = base.to_bits() ^ address.to_bits();
                differs.leading_zeros() >= u32::from(prefix)
            }
            _ => false,
        }
    }
}
