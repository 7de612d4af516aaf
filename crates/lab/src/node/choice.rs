//! Which addresses a new ground gets: the first that nothing on the machine uses.

use anyhow::{Result, bail};

use super::cidr::Cidr;
use super::ground::Addresses;

/// How many grounds are tried before we give up.
const MANY: u32 = 100;

/// The first addresses that overlap none of the ranges in use.
pub fn free(taken: &[Cidr]) -> Result<Addresses> {
    let free = |range: &Cidr| !taken.iter().any(|other| range.overlaps(*other));
    let pods = (0..MANY).map(|index| Cidr::of([10, 244, low_byte(index), 0].into(), 24)).find(free);
    let services = (0..MANY).map(|index| Cidr::of([10, 96 + low_byte(index), 0, 0].into(), 16)).find(free);
    match (pods, services) {
        (Some(pods), Some(services)) => Ok(Addresses::of(pods, services)),
        _ => bail!(
            "no free range for pods (10.244.N.0/24) or Services (10.96-195.0.0/16): see `ip route show table all`"
        ),
    }
}

fn low_byte(index: u32) -> u8 {
    u8::try_from(index).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(all: &[&str]) -> Vec<Cidr> {
        all.iter().map(|range| range.parse().unwrap()).collect()
    }

    #[test]
    fn the_first_ground_gets_the_usual_addresses() {
        let addresses = free(&ranges(&["127.0.0.0/8", "192.0.2.0/24"])).unwrap();
        assert_eq!(addresses.node_ip.to_string(), "10.244.0.1");
        assert_eq!(addresses.service_cidr.to_string(), "10.96.0.0/16");
    }

    #[test]
    fn ranges_in_use_are_passed_over() {
        let addresses = free(&ranges(&["10.244.0.0/24", "10.244.1.7/32", "10.96.0.0/12"])).unwrap();
        assert_eq!(addresses.pod_cidr.to_string(), "10.244.2.0/24");
        assert_eq!(addresses.service_cidr.to_string(), "10.112.0.0/16");
    }

    #[test]
    fn no_room_is_an_error() {
        assert!(free(&ranges(&["10.0.0.0/8"])).is_err());
    }
}
