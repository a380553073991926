//! Keeps the endpoint's state in a file: whatever a client was told has been written before.
//!
//! A thread of its own writes; requests that wait for it at the same time share one write. Each write replaces the file
//! in one step, so that there is a whole state whenever the process ends.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use cvm_files::{Access, LockedFile, RealFile};
use cvm_proto::input;
use cvm_proto::output::escaped;
use tokio::sync::watch;

use crate::lock::lock;
use crate::service::Service;
use crate::state::Snapshot;

/// The most that is read of a state file: far more than any endpoint remembers.
const MAX_BYTES: u64 = 1 << 30;

/// A state file that this process has for itself: a second endpoint on it would undo what this one writes.
#[derive(Debug)]
pub(crate) struct StateFile(LockedFile);

impl StateFile {
    /// Locks the file, which need not exist; its folder must.
    pub(crate) fn take(path: &Path) -> io::Result<Self> {
        match RealFile::resolve(path)?.lock(Duration::ZERO) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                Err(io::Error::new(error.kind(), "another endpoint uses it"))
            }
            taken => taken.map(Self),
        }
    }

    /// What it holds; `None` if there is no file yet.
    pub(crate) fn read(&self) -> io::Result<Option<Snapshot>> {
        let Some(text) = self.0.read(MAX_BYTES)? else { return Ok(None) };
        let snapshot = input::json(&text).map_err(|error| {
            io::Error::new(io::ErrorKind::InvalidData, format!("line {} {error}", error.line()))
        })?;
        Ok(Some(snapshot))
    }

    /// Writes it for its owner alone: it holds keys.
    fn write(&self, snapshot: &Snapshot) -> io::Result<()> {
        self.0.replace(&serde_json::to_vec(snapshot)?, Access::Private)
    }
}

/// Writes the state, and has others wait until it is written.
pub(crate) struct StateWriter {
    shared: Arc<Shared>,
    last_write: watch::Receiver<LastWrite>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for StateWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateWriter").finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Shared {
    writes: Mutex<Writes>,
    wake: Condvar,
}

/// Writes are numbered from 1.
#[derive(Debug, Default)]
struct Writes {
    wanted: u64,
    begun: u64,
    closed: bool,
}

/// The last write that has ended.
#[derive(Clone, Debug, Default)]
struct LastWrite {
    number: u64,
    /// The revision that the file holds.
    written: u64,
    /// Why the last write failed, if it did.
    error: Option<Arc<str>>,
}

impl StateWriter {
    /// Writes the state as it is, and begins to wait for changes.
    pub(crate) fn start(file: StateFile, service: Arc<Service>) -> io::Result<Self> {
        let (snapshot, written) = service.revised_snapshot().map_err(io::Error::other)?;
        file.write(&snapshot)?;
        let (end, last_write) = watch::channel(LastWrite { written, ..LastWrite::default() });
        let shared = Arc::new(Shared::default());
        let ours = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("cvm-local-state".into())
            .spawn(move || keep(&ours, &file, &service, &end))?;
        Ok(Self { shared, last_write, thread: Some(thread) })
    }

    /// Waits until a revision is on the disk.
    ///
    /// # Errors
    ///
    /// Why it could not be written.
    pub(crate) async fn written(&self, revision: u64) -> Result<(), Arc<str>> {
        if self.last_write.borrow().written >= revision {
            return Ok(());
        }
        let write = self.want();
        let mut watch = self.last_write.clone();
        let ended = watch.wait_for(|last| last.written >= revision || last.number >= write).await;
        let last_write = ended.map_err(|_| Arc::from("the thread that writes it has ended"))?;
        match &last_write.error {
            Some(error) if last_write.written < revision => Err(Arc::clone(error)),
            _ => Ok(()),
        }
    }

    /// Asks for a write that begins after this moment; returns its number.
    fn want(&self) -> u64 {
        let mut writes = lock(&self.shared.writes);
        writes.wanted = writes.begun + 1;
        self.shared.wake.notify_one();
        writes.wanted
    }
}

impl Drop for StateWriter {
    /// Writes the changes that no request waited for.
    fn drop(&mut self) {
        let mut writes = lock(&self.shared.writes);
        writes.wanted = writes.begun + 1;
        writes.closed = true;
        self.shared.wake.notify_one();
        drop(writes);
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by its thread.
            let _ = thread.join();
        }
    }
}

/// Writes whenever a write is wanted, until the writer is closed.
fn keep(shared: &Shared, file: &StateFile, service: &Service, end: &watch::Sender<LastWrite>) {
    loop {
        let mut writes = lock(&shared.writes);
        while writes.wanted <= writes.begun && !writes.closed {
            writes = shared.wake.wait(writes).unwrap_or_else(PoisonError::into_inner);
        }
        if writes.wanted <= writes.begun {
            return;
        }
        writes.begun += 1;
        let write = writes.begun;
        drop(writes);
        let result = service.revised_snapshot().and_then(|(snapshot, revision)| {
            if revision > end.borrow().written {
                file.write(&snapshot).map_err(|error| error.to_string())?;
            }
            Ok(revision)
        });
        end.send_modify(|last_write| {
            last_write.number = write;
            match result {
                Ok(revision) => (last_write.written, last_write.error) = (revision, None),
                Err(error) => {
                    let path = file.0.path().to_string_lossy();
                    tracing::error!(file = %escaped(&path), error, "the state cannot be written");
                    last_write.error = Some(error.into());
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::clock::Clock;
    use crate::request::skipped_checks::SkippedChecks;
    use crate::seed::Seed;
    use crate::state::State;

    /// A folder of one test's own.
    struct Folder(PathBuf);

    impl Folder {
        fn new(test: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("cvm-local-{test}-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn service() -> Arc<Service> {
        let state = State::new(&Seed::default()).unwrap();
        Arc::new(Service::new(state, Clock::stepped(), SkippedChecks::default()).unwrap())
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn what_was_waited_for_is_in_the_file() {
        let folder = Folder::new("waited");
        let path = folder.0.join("state.json");
        let service = service();
        let state_writer = StateWriter::start(StateFile::take(&path).unwrap(), Arc::clone(&service)).unwrap();
        for second in 1..=20 {
            service.set_time(second * 1000);
            let revision = service.state().revision();
            block_on(state_writer.written(revision)).unwrap();
            let read: Snapshot = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            assert_eq!(read.time(), second * 1000);
        }
        service.set_time(99_000);
        drop(state_writer);
        let read = StateFile::take(&path).unwrap().read().unwrap().unwrap();
        assert_eq!(read.time(), 99_000, "the rest is written at the end");
    }

    #[test]
    fn a_file_has_one_endpoint() {
        let folder = Folder::new("one");
        let path = folder.0.join("state.json");
        let first = StateFile::take(&path).unwrap();
        assert!(first.read().unwrap().is_none());
        assert!(StateFile::take(&path).unwrap_err().to_string().contains("another endpoint uses it"));
        drop(first);
        StateFile::take(&path).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn what_cannot_be_written_is_not_acknowledged_until_it_can() {
        let folder = Folder::new("full");
        let inner = folder.0.join("inner");
        std::fs::create_dir(&inner).unwrap();
        let service = service();
        let path = inner.join("state.json");
        let state_writer = StateWriter::start(StateFile::take(&path).unwrap(), Arc::clone(&service)).unwrap();
        std::fs::remove_dir_all(&inner).unwrap();
        service.set_time(1);
        let revision = service.state().revision();
        assert!(!block_on(state_writer.written(revision)).unwrap_err().is_empty());
        std::fs::create_dir(&inner).unwrap();
        block_on(state_writer.written(revision)).unwrap();
        assert!(path.exists());
    }
}
