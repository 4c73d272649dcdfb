//! How many terminals are open, and how many may be.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Terminals of one identity at once: two sessions on a few machines, and those that a broken connection has left
/// and nobody has noticed yet.
pub const MOST_OF_AN_IDENTITY: usize = 8;

/// Terminals of one process at once. Each may hold one snapshot of up to 24 MiB while a slow viewer takes it, and
/// twice as many as a worker has viewers at most.
pub const MOST_OF_THE_PROCESS: usize = 256;

/// All places; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(Arc<Mutex<HashMap<String, usize>>>);

/// A place that is taken, until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    name: String,
}

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Full {
    #[error("{MOST_OF_AN_IDENTITY} terminals of this identity are open: close one")]
    Identity,
    #[error(
        "this API process serves {MOST_OF_THE_PROCESS} terminals, which is the most: try again, or ask another one"
    )]
    Process,
}

impl Places {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for an identity.
    pub(super) fn take(&self, name: &str) -> Result<Place, Full> {
        let mut taken = self.lock();
        if taken.values().sum::<usize>() >= MOST_OF_THE_PROCESS {
            return Err(Full::Process);
        }
        let own = taken.entry(name.to_owned()).or_default();
        if *own >= MOST_OF_AN_IDENTITY {
            return Err(Full::Identity);
        }
        *own += 1;
        Ok(Place { places: self.clone(), name: name.to_owned() })
    }

    pub(super) fn taken(&self) -> usize {
        self.lock().values().sum()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        if let Some(own) = taken.get_mut(&self.name) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_and_the_process_have_limits_and_a_place_comes_back() {
        let places = Places::default();
        let take = |name: &str| places.take(name);
        let mut held: Vec<_> = (0..MOST_OF_AN_IDENTITY).map(|_| take("a").unwrap()).collect();
        assert_eq!(take("a").unwrap_err(), Full::Identity);
        held.push(take("b").unwrap());
        held.remove(0);
        held.push(take("a").unwrap());
        for n in held.len()..MOST_OF_THE_PROCESS {
            held.push(take(&format!("c{n}")).unwrap());
        }
        assert_eq!(take("d").unwrap_err(), Full::Process);
        assert_eq!(places.taken(), MOST_OF_THE_PROCESS);
        drop(held);
        assert_eq!(places.taken(), 0);
        assert!(places.lock().is_empty(), "names don't pile up");
    }
}
