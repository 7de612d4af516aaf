//! Networks in CIDR notation.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A network, for example `10.244.0.0/16`, with no bits set beyond its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

/// What is not on the public internet, after the IANA special-purpose registries (RFC 6890 and its successors).
const PRIVATE: [&str; 18] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/3",      // unspecified, loopback, mapped and translated addresses: all below 2000::/3
    "4000::/2",  // not assigned
    "8000::/1",  // not assigned, unique local (fc00::/7), link-local (fe80::/10), multicast (ff00::/8)
    "2001::/23", // protocol assignments: Teredo, benchmarking, ORCHID
];

impl Cidr {
    /// All addresses of the fourth and of the sixth version.
    #[must_use]
    pub fn everything() -> [Self; 2] {
        [Self { address: IpAddr::from([0_u8; 4]), prefix: 0 }, Self { address: IpAddr::from([0_u8; 16]), prefix: 0 }]
    }

    /// The networks that are not on the public internet.
    #[must_use]
    pub fn private() -> Vec<Self> {
        PRIVATE.iter().filter_map(|text| text.parse().ok()).collect()
    }

    /// Whether all of `other` lies in this network.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.prefix <= other.prefix
            && self.address.is_ipv4() == other.address.is_ipv4()
            && mask(other.address, self.prefix) == self.address
    }

    /// Whether it is of the sixth version.
    #[must_use]
    pub const fn is_v6(&self) -> bool {
        self.address.is_ipv6()
    }

    /// Joins lists of networks: sorted, without those that lie in others.
    #[must_use]
    pub fn join(networks: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut networks: Vec<Self> = networks.into_iter().collect();
        networks.sort_by_key(|network| (network.is_v6(), network.address, network.prefix));
        networks.dedup();
        let all = networks.clone();
        networks.retain(|one| !all.iter().any(|other| other != one && other.contains(one)));
        networks
    }
}

fn mask(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let bits = u32::from(v4);
            IpAddr::from((bits & u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)).to_be_bytes())
        }
        IpAddr::V6(v6) => {
            let bits = u128::from(v6);
            IpAddr::from((bits & u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0)).to_be_bytes())
        }
    }
}

impl FromStr for Cidr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a network like 10.0.0.0/8");
        let (address, prefix) = text.split_once('/').ok_or_else(wrong)?;
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let prefix: u8 = prefix.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        if prefix > most {
            return Err(wrong());
        }
        if mask(address, prefix) != address {
            return Err(format!(
                "{text:?} has bits set beyond its prefix; {}/{prefix} may be meant",
                mask(address, prefix)
            ));
        }
        Ok(Self { address, prefix })
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn parsed_and_refused() {
        for good in ["10.0.0.0/8", "0.0.0.0/0", "10.1.2.3/32", "fc00::/7", "::/0", "::1/128"] {
            assert_eq!(cidr(good).to_string(), good);
        }
        for bad in ["", "10.0.0.0", "10.0.0.0/33", "10.0.0.1/8", "x/8", "10.0.0.0/-1", "fe80::1/10", "::/129"] {
            assert!(bad.parse::<Cidr>().is_err(), "{bad}");
        }
    }

    #[test]
    fn containment() {
        assert!(cidr("10.0.0.0/8").contains(&cidr("10.244.0.0/16")));
        assert!(cidr("10.0.0.0/8").contains(&cidr("10.0.0.0/8")));
        assert!(!cidr("10.244.0.0/16").contains(&cidr("10.0.0.0/8")));
        assert!(!cidr("10.0.0.0/8").contains(&cidr("11.0.0.0/16")));
        assert!(!cidr("::/0").contains(&cidr("10.0.0.0/8")));
        let joined = Cidr::join([cidr("10.1.0.0/16"), cidr("10.0.0.0/8"), cidr("192.168.0.0/16"), cidr("10.0.0.0/8")]);
        assert_eq!(joined, [cidr("10.0.0.0/8"), cidr("192.168.0.0/16")]);
    }

    #[test]
    fn all_private_networks_are_known_and_the_public_ones_are_not_among_them() {
        assert_eq!(Cidr::private().len(), PRIVATE.len());
        let is_private = |text: &str| Cidr::private().iter().any(|network| network.contains(&cidr(text)));
        for address in [
            "10.1.2.3/32",
            "169.254.169.254/32",
            "100.100.0.1/32",
            "fd00::1/128",
            "fe80::1/128",
            "::1/128",
            "64:ff9b::a00:1/128",
        ] {
            assert!(is_private(address), "{address}");
        }
        for address in ["1.1.1.1/32", "93.184.216.34/32", "2606:4700::1111/128", "2a00::1/128"] {
            assert!(!is_private(address), "{address}");
        }
    }
}
