//! A lock around state that calls share.
//!
//! With the feature `std` it is a `std::sync::Mutex`, which puts whoever waits to sleep. Without it there is nothing that
//! could, and it spins: what it guards is looked at for some hundred nanoseconds.

#[derive(Default)]
pub(crate) struct Mutex<T>(Cell<T>);

#[cfg(feature = "std")]
type Cell<T> = std::sync::Mutex<T>;
#[cfg(not(feature = "std"))]
type Cell<T> = spin::Mutex<T>;

impl<T> Mutex<T> {
    #[cfg(feature = "std")]
    pub(crate) fn with<R>(&self, use_it: impl FnOnce(&mut T) -> R) -> R {
        // What it guards is counters and caches, each valid at every step: a panic elsewhere does not spoil them.
        use_it(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    #[cfg(not(feature = "std"))]
    pub(crate) fn with<R>(&self, use_it: impl FnOnce(&mut T) -> R) -> R {
        use_it(&mut self.0.lock())
    }
}
