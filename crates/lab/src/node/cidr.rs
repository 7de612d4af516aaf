//! A range of IPv4 addresses.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A range of IPv4 addresses, written `10.244.0.0/24`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr {
    base: u32,
    prefix: u32,
}

impl Cidr {
    /// The range of `prefix` bits (at most 32) that holds `address`.
    pub fn of(address: Ipv4Addr, prefix: u32) -> Self {
        let prefix = prefix.min(32);
        Self { base: u32::from(address) & mask(prefix), prefix }
    }

    /// The address at `index`; the range's own address is number 0.
    pub fn nth(self, index: u32) -> Ipv4Addr {
        Ipv4Addr::from(self.base.wrapping_add(index))
    }

    /// Whether the two ranges share an address.
    pub fn overlaps(self, other: Self) -> bool {
        let shorter = mask(self.prefix.min(other.prefix));
        self.base & shorter == other.base & shorter
    }
}

fn mask(prefix: u32) -> u32 {
    u32::MAX.checked_shl(32 - prefix).unwrap_or(0)
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.base), self.prefix)
    }
}

impl FromStr for Cidr {
    type Err = String;

    /// Reads `a.b.c.d/n`; a bare address is a range of one.
    fn from_str(text: &str) -> Result<Self, String> {
        let (address, prefix) = text.split_once('/').unwrap_or((text, "32"));
        let address: Ipv4Addr = address.parse().map_err(|_| format!("{text:?} is no IPv4 range"))?;
        let prefix: u32 = prefix.parse().map_err(|_| format!("{text:?} has no prefix length"))?;
        if prefix > 32 {
            return Err(format!("{text:?} has a prefix longer than 32"));
        }
        Ok(Self::of(address, prefix))
    }
}

impl TryFrom<String> for Cidr {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Cidr> for String {
    fn from(range: Cidr) -> Self {
        range.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_are_read_and_written() {
        assert_eq!(cidr("10.244.1.7/24").to_string(), "10.244.1.0/24");
        assert_eq!(cidr("192.0.2.2").to_string(), "192.0.2.2/32");
        assert_eq!(cidr("0.0.0.0/0").to_string(), "0.0.0.0/0");
        assert_eq!(cidr("10.96.0.0/16").nth(10), Ipv4Addr::new(10, 96, 0, 10));
        assert!("10.0.0.0/33".parse::<Cidr>().is_err());
        assert!("ten/8".parse::<Cidr>().is_err());
    }

    #[test]
    fn overlap_is_by_the_shorter_prefix() {
        assert!(cidr("10.96.0.0/12").overlaps(cidr("10.97.3.0/24")));
        assert!(cidr("10.97.3.0/24").overlaps(cidr("10.96.0.0/12")));
        assert!(!cidr("10.97.0.0/16").overlaps(cidr("10.96.0.0/16")));
        assert!(cidr("0.0.0.0/0").overlaps(cidr("10.96.0.0/16")));
    }
}
