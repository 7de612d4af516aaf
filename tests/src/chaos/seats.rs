//! Names and addresses for operators that run at the same time.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How many operators may run at once in one run.
const MANY: usize = 2;

/// Names and addresses for the operators of one run, the same ones again for those that come after them.
#[derive(Clone, Debug)]
pub struct Seats {
    taken: Arc<Mutex<[bool; MANY]>>,
    port: u16,
}

/// One operator's; free again when dropped.
#[derive(Debug)]
pub struct Seat {
    seats: Seats,
    number: usize,
}

impl Seats {
    /// Fresh ones.
    #[must_use]
    pub fn new() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let run = NEXT.fetch_add(1, Ordering::Relaxed) % 10_000;
        Self { taken: Arc::default(), port: 20_000 + run * 2 }
    }

    /// The next free one; the last one if there is none.
    #[must_use]
    pub fn take(&self) -> Seat {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let number = taken.iter().position(|taken| !taken).unwrap_or(MANY - 1);
        taken[number] = true;
        Seat { seats: self.clone(), number }
    }

    /// The address of the first one's grants endpoint.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.at(0)
    }

    /// On an address of this process's own within the loopback network, so that no other program takes the port in between.
    fn at(&self, number: usize) -> SocketAddr {
        let [_, b, c, d] = std::process::id().to_be_bytes();
        let port = self.port + u16::try_from(number).unwrap_or_default();
        (Ipv4Addr::new(127, 64 | (b & 63), c, d), port).into()
    }
}

impl Default for Seats {
    fn default() -> Self {
        Self::new()
    }
}

impl Seat {
    /// The replica's name: `a` or `b`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        ["a", "b"][self.number.min(MANY - 1)]
    }

    /// Where its grants endpoint listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.seats.at(self.number)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner)[self.number] = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_after_takes_the_seat_that_was_left() {
        let seats = Seats::new();
        let (a, b) = (seats.take(), seats.take());
        assert_eq!((a.name(), b.name()), ("a", "b"));
        assert_ne!(a.address(), b.address());
        drop(a);
        assert_eq!(seats.take().name(), "a");
        assert_eq!(seats.address().ip().to_string().split('.').next(), Some("127"));
        drop(b);
    }
}
