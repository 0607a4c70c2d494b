//! OpenFGA's `ipaddress`.

use std::fmt;
use std::net::IpAddr;

/// An IP address, version 4 or 6. An IPv4 address written as IPv6
/// (`::ffff:10.0.0.1`) is the IPv4 address, so that no way of writing it
/// slips past a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpAddress(IpAddr);

impl IpAddress {
    /// Reads an address. A zone (`fe80::1%eth0`) is refused: it means
    /// something on one machine only.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let address: IpAddr = text.parse().ok()?;
        Some(Self(address.to_canonical()))
    }

    /// Whether the address lies in a network such as `10.0.0.0/8`; `None`
    /// when that is not how a network is written.
    #[must_use]
    pub fn in_cidr(&self, cidr: &str) -> Option<bool> {
        let (network, length) = cidr.split_once('/')?;
        let network: IpAddr = network.parse().ok()?;
        let plain = length.bytes().all(|b| b.is_ascii_digit());
        if !plain || (length.len() > 1 && length.starts_with('0')) {
            return None;
        }
        let length: u32 = length.parse().ok()?;
        // `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
        let (network, length) = match (network, network.to_canonical()) {
            (IpAddr::V6(_), mapped @ IpAddr::V4(_)) if (96..=128).contains(&length) => {
                (mapped, length - 96)
            }
            _ => (network, length),
        };
        match (self.0, network) {
            (IpAddr::V4(a), IpAddr::V4(n)) if length <= 32 => {
                Some((u32::from(a) ^ u32::from(n)).leading_zeros() >= length)
            }
            (IpAddr::V6(a), IpAddr::V6(n)) if length <= 128 => {
                Some((u128::from(a) ^ u128::from(n)).leading_zeros() >= length)
            }
            (IpAddr::V6(_), IpAddr::V4(_)) if length <= 32 => Some(false),
            (IpAddr::V4(_), IpAddr::V6(_)) if length <= 128 => Some(false),
            _ => None,
        }
    }
}

impl fmt::Display for IpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
