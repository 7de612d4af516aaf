//! Sets of IPv4 addresses as sorted, disjoint ranges.

use std::fmt;
use std::net::Ipv4Addr;

use anyhow::{Context, Result, ensure};

/// A set of IPv4 addresses: inclusive ranges, sorted, neither touching nor overlapping.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ranges(Vec<(u32, u32)>);

impl Ranges {
    /// No address.
    pub fn none() -> Self {
        Self::default()
    }

    /// Every address.
    pub fn all() -> Self {
        Self(vec![(0, u32::MAX)])
    }

    /// One address.
    pub fn one(ip: Ipv4Addr) -> Self {
        Self(vec![(ip.into(), ip.into())])
    }

    /// The addresses of a CIDR such as `10.0.0.0/8`; host bits are ignored, as the API allows them.
    pub fn cidr(text: &str) -> Result<Self> {
        let (ip, bits) = text.split_once('/').with_context(|| format!("{text} is not a CIDR: no prefix length"))?;
        let ip: Ipv4Addr = ip.parse().with_context(|| format!("{text} is not an IPv4 CIDR"))?;
        let bits: u32 = bits.parse().with_context(|| format!("{text} has no numeric prefix length"))?;
        ensure!(bits <= 32, "{text} has a prefix length above 32");
        let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
        let first = u32::from(ip) & mask;
        Ok(Self(vec![(first, first | !mask)]))
    }

    /// Whether no address is in the set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every address is in the set.
    pub fn is_all(&self) -> bool {
        self.0 == [(0, u32::MAX)]
    }

    /// Adds all of `other`.
    pub fn add(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
        self.0.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(self.0.len());
        for &(first, last) in &self.0 {
            match merged.last_mut() {
                Some(before) if u64::from(first) <= u64::from(before.1) + 1 => before.1 = before.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        self.0 = merged;
    }

    /// The set without the addresses of `other`.
    pub fn without(&self, other: &Self) -> Self {
        let mut left = self.0.clone();
        for &(from, to) in &other.0 {
            left = left.into_iter().flat_map(|range| cut(range, (from, to))).collect();
        }
        Self(left)
    }
}

/// What remains of a range when another is taken out: nothing, one or two ranges.
fn cut((first, last): (u32, u32), (from, to): (u32, u32)) -> Vec<(u32, u32)> {
    if to < first || last < from {
        return vec![(first, last)];
    }
    let mut left = Vec::new();
    if first < from {
        left.push((first, from - 1));
    }
    if to < last {
        left.push((to + 1, last));
    }
    left
}

/// As the elements of an nftables set: `10.0.0.1, 10.1.0.0-10.1.255.255`.
impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, &(first, last)) in self.0.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            let (first, last) = (Ipv4Addr::from(first), Ipv4Addr::from(last));
            if first == last {
                write!(f, "{comma}{first}")?;
            } else {
                write!(f, "{comma}{first}-{last}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_world_without_private_networks() {
        let mut private = Ranges::cidr("10.0.0.0/8").unwrap();
        private.add(&Ranges::cidr("192.168.0.0/16").unwrap());
        let world = Ranges::cidr("0.0.0.0/0").unwrap();
        assert!(world.is_all());
        assert_eq!(
            world.without(&private).to_string(),
            "0.0.0.0-9.255.255.255, 11.0.0.0-192.167.255.255, 192.169.0.0-255.255.255.255"
        );
        assert!(world.without(&world).is_empty());
    }

    #[test]
    fn neighbours_merge() {
        let mut set = Ranges::cidr("10.0.0.4/31").unwrap();
        set.add(&Ranges::one(Ipv4Addr::new(10, 0, 0, 6)));
        set.add(&Ranges::one(Ipv4Addr::new(10, 0, 0, 9)));
        set.add(&Ranges::one(Ipv4Addr::new(10, 0, 0, 5)));
        assert_eq!(set.to_string(), "10.0.0.4-10.0.0.6, 10.0.0.9");
        set.add(&Ranges::one(Ipv4Addr::new(255, 255, 255, 255)));
        set.add(&Ranges::cidr("255.255.255.0/24").unwrap());
        assert_eq!(set.to_string(), "10.0.0.4-10.0.0.6, 10.0.0.9, 255.255.255.0-255.255.255.255");
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["10.0.0.0", "10.0.0.0/33", "10.0.0/8", "fd00::/8", "10.0.0.0/x"] {
            assert!(Ranges::cidr(text).is_err(), "{text}");
        }
    }
}
