//! The address guard: which addresses a destination may have.
//!
//! Barred are loopback, link-local, metadata, unspecified, "this network",
//! multicast and broadcast addresses, in every form that reaches them: an IPv4
//! address inside an IPv6 one (mapped, compatible, NAT64, 6to4) is judged as
//! what it stands for. Private addresses (RFC 1918, unique local) are not
//! barred: destinations live in the cluster. An address that the
//! configuration's `allowedAddresses` holds is let through.
//!
//! The guard looks at addresses, never at names: after each resolution, and at
//! literal addresses in URLs before each request.

mod block;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use block::Block;
pub use block::BlockError;

/// Why an address is barred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// `127.0.0.0/8`, `::1`.
    Loopback,
    /// `169.254.0.0/16`, `fe80::/10`.
    LinkLocal,
    /// Where clouds hand out credentials, outside the link-local blocks too.
    Metadata,
    /// `0.0.0.0/8`, `::`: reaches the host itself.
    Unspecified,
    /// `224.0.0.0/4`, `ff00::/8`.
    Multicast,
    /// `255.255.255.255`.
    Broadcast,
}

impl Bar {
    /// For people.
    fn as_str(self) -> &'static str {
        match self {
            Self::Loopback => "a loopback address",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "a cloud metadata address",
            Self::Unspecified => "an unspecified address",
            Self::Multicast => "a multicast address",
            Self::Broadcast => "the broadcast address",
        }
    }
}

/// A destination's address is barred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{address} is {}, which destinations may not reach; correct the destination's URL, or add a block \
     that holds the address to the listener's allowed addresses",
    bar.as_str()
)]
pub struct Barred {
    /// The address, as the name or the URL gave it.
    pub address: IpAddr,
    /// Why.
    pub bar: Bar,
}

/// Which addresses destinations may reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    allowed: Vec<Block>,
}

impl AddressPolicy {
    /// From CIDR blocks (`10.1.0.0/16`, `::1/128`) and single addresses.
    pub fn parse(blocks: &[String]) -> Result<Self, BlockError> {
        Ok(Self { allowed: blocks.iter().map(|text| Block::parse(text)).collect::<Result<_, _>>()? })
    }

    /// Whether a destination may have this address.
    pub fn check(&self, address: IpAddr) -> Result<(), Barred> {
        let Some(bar) = bar(address) else { return Ok(()) };
        let allowed = |address: IpAddr| self.allowed.iter().any(|block| block.contains(address));
        if allowed(address) || embedded(address).into_iter().any(|inner| allowed(inner.into())) {
            return Ok(());
        }
        Err(Barred { address, bar })
    }
}

fn bar(address: IpAddr) -> Option<Bar> {
    match address {
        IpAddr::V4(address) => bar_v4(address),
        IpAddr::V6(v6) => bar_v6(v6).or_else(|| embedded(address).into_iter().find_map(bar_v4)),
    }
}

fn bar_v4(address: Ipv4Addr) -> Option<Bar> {
    /// Alibaba, Azure's platform endpoint, Oracle's older endpoint.
    const METADATA: [Ipv4Addr; 3] =
        [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];
    if address.is_loopback() {
        Some(Bar::Loopback)
    } else if address == Ipv4Addr::new(169, 254, 169, 254) || METADATA.contains(&address) {
        Some(Bar::Metadata)
    } else if address.is_link_local() {
        Some(Bar::LinkLocal)
    } else if address.octets()[0] == 0 {
        Some(Bar::Unspecified)
    } else if address.is_multicast() {
        Some(Bar::Multicast)
    } else if address.is_broadcast() {
        Some(Bar::Broadcast)
    } else {
        None
    }
}

fn bar_v6(address: Ipv6Addr) -> Option<Bar> {
    /// AWS, Google.
    const METADATA: [Ipv6Addr; 2] = [
        Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254),
        Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    ];
    if address.is_loopback() {
        Some(Bar::Loopback)
    } else if address.is_unspecified() {
        Some(Bar::Unspecified)
    } else if METADATA.contains(&address) {
        Some(Bar::Metadata)
    } else if address.is_unicast_link_local() {
        Some(Bar::LinkLocal)
    } else if address.is_multicast() {
        Some(Bar::Multicast)
    } else {
        None
    }
}

/// The IPv4 addresses that an IPv6 address may stand for.
fn embedded(address: IpAddr) -> Vec<Ipv4Addr> {
    let IpAddr::V6(address) = address else { return Vec::new() };
    let o = address.octets();
    let last = Ipv4Addr::new(o[12], o[13], o[14], o[15]);
    match address.segments() {
        // `::` and `::1` are addresses of their own, judged before this.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Vec::new(),
        // Compatible, mapped, translated, NAT64.
        [0, 0, 0, 0, 0, 0 | 0xffff, _, _]
        | [0, 0, 0, 0, 0xffff, 0, _, _]
        | [0x64, 0xff9b, 0, 0, 0, 0, _, _] => {
            vec![last]
        }
        // NAT64 with a local prefix: /96, or /48 around the reserved octet (RFC 6052).
        // Which one cannot be told; what the other form leaves empty is no address.
        [0x64, 0xff9b, 1, ..] => {
            let around = Ipv4Addr::new(o[6], o[7], o[9], o[10]);
            [last, around].into_iter().filter(|address| !address.is_unspecified()).collect()
        }
        // 6to4.
        [0x2002, ..] => vec![Ipv4Addr::new(o[2], o[3], o[4], o[5])],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
