//! The state of sources and targets that belongs to one run, and is not written down.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;
use core::ops::{Index, IndexMut};
use core::time::Duration;

use super::Destination;
use super::calls::SyncCall;
use super::ids::{Actor, SourceId, TargetId};
use super::run::COPY_POLL_EVERY;
use super::state::KnownCopy;
use crate::api::DescribeImages;
use crate::api::types::{Image, ImageState};
use crate::call::PageGuard;
use crate::client::Random;
use crate::error::Error;

/// The shortest first pause between two looks at the same thing that a run may have.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
/// How far pauses grow, as a multiple of the first.
const GROWTH: u32 = 10;

/// How long a source or a target has nothing but trouble before it gives up, as long as it has started nothing.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);

/// The one task that a source or a target is at, and when it goes on with it.
pub(super) struct Schedule {
    pub(super) task: Task,
    /// The call that the task has out.
    pub(super) call: Option<SyncCall>,
    /// Whether a request of the call has gone out.
    pub(super) has_asked: bool,
    /// Nothing is begun before this time.
    pub(super) due: Duration,
    /// The first pause of this run.
    first_pause: Duration,
    pause: Duration,
    /// Since when nothing but trouble has come back, and the last of it.
    pub(super) trouble: Option<(Duration, Error)>,
}

/// What a source or a target is at.
#[derive(Default)]
pub(super) enum Task {
    #[default]
    Idle,
    /// A source: it is looked at, whether it exists and is free.
    Look,
    /// The first source, for all: the identity of the credential is asked for.
    Identify,
    /// The region of this look was refused: the service's regions are listed.
    ListRegions {
        look: Box<Task>,
        error: Box<Error>,
    },
    /// A source: start the copies for these targets. The intent of this attempt has been written down.
    Submit {
        batch: Vec<usize>,
        recorded: u32,
    },
    /// A target: the copy that is known from before is looked at by its id.
    Recall(KnownCopy),
    /// A target: the region is searched for the name.
    Survey(Box<Survey>),
    /// A target: the region's images are counted, and its quota is asked for.
    Count,
    Quota {
        images: i64,
    },
    /// A target: a dry run finds out whether a copy would be accepted.
    Probe(ProbeReason),
    /// A target: the copy's state is looked at.
    Watch,
    /// A target: the copy gets what it lacks of its source.
    Align {
        image: Box<Image>,
        notes: Vec<String>,
    },
    /// A target: a copy that failed is deleted; with an error, that ends the target. The intent of this attempt has been
    /// written down.
    Delete {
        image_id: String,
        error: Option<Box<Error>>,
        recorded: u32,
    },
}

/// A region that is searched for a name, page by page.
pub(super) struct Survey {
    pub(super) query: DescribeImages,
    pub(super) guard: PageGuard,
    pub(super) found: Vec<Image>,
    pub(super) scope: SearchScope,
}

/// How a region is searched for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SearchScope {
    /// By the name, among the account's own images.
    ByName,
    /// Among all images, for the holder of a name that is taken.
    Everything,
    /// By the name, for a copy that its id does not show any more.
    Vanished,
}

/// Why a copy is asked for as a dry run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProbeReason {
    /// The whole run is one; or a request for several regions was refused, and the region at fault is to be found.
    Blame,
    /// A copy has disappeared, and its name may be free.
    Vanished,
    /// The holder of a name was not found, and the name may be free by now.
    Taken,
}

/// A source during this run.
#[derive(Default)]
pub(super) struct SourceRun {
    pub(super) schedule: Schedule,
    pub(super) targets: Vec<TargetRun>,
    pub(super) first_look: FirstLook,
    /// How many looks in a row did not find it.
    pub(super) misses: u32,
    /// The last look found it free.
    pub(super) ready: bool,
    pub(super) told_found: bool,
    pub(super) told_busy: bool,
    /// It cannot be copied, and why.
    pub(super) refused: Option<Error>,
    /// What is to be said of it with each of its targets.
    pub(super) note: Option<String>,
    /// Why the last request for copies came to nothing.
    pub(super) declined: Option<Error>,
    pub(super) batch_mode: BatchMode,
}

/// How far the proof is that the credential is of the account that the job is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// The sources are looked at, by their ids.
    Sources,
    /// No source is visible: the copies that are known are looked at.
    Copies,
    /// Every account to which the sources are shared sees them, or nothing at all is visible: the number of the account is
    /// asked for.
    Number,
    /// This credential sees something of the job: it is of the account that the job is for.
    Given,
}

/// What the first look of this run at a source showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum FirstLook {
    #[default]
    Pending,
    /// An image of the account's own.
    Own,
    /// Another account's, or one that all have: it says nothing of this account.
    Foreign,
    /// Nothing, or no answer.
    Nothing,
}

/// How many regions go into one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum BatchMode {
    #[default]
    All,
    /// A request for all was refused: they have been tried one by one.
    Probed,
    /// Each would be accepted, all together are not.
    Single,
}

/// A target during this run.
#[derive(Default)]
pub(super) struct TargetRun {
    pub(super) schedule: Schedule,
    /// How it ended for this run, if not for good.
    pub(super) closed: Option<Box<Destination>>,
    /// It ended in an earlier run and is looked at once more; nothing is started for it.
    pub(super) is_reviewed: bool,
    /// The last reported state and percentage of the copy.
    pub(super) told: Option<(ImageState, Option<i64>)>,
    /// When the copy was last seen, in milliseconds since 1970.
    pub(super) seen: Option<u64>,
    /// How many looks in a row did not find the copy.
    pub(super) misses: u32,
    /// How many requests of this run were lost.
    pub(super) lost: u32,
    /// The copy that was known from before has been looked for by its id, and is not to be seen.
    pub(super) known_is_missed: bool,
    /// A copy of this job's own that was known from before, and has failed.
    pub(super) failed_own: Option<String>,
    /// The holder of a name that is taken has been searched for.
    pub(super) has_searched: bool,
    /// An image that seems to hold it, and why.
    pub(super) seems_taken: Option<(String, String)>,
    pub(super) notes: Vec<String>,
}

impl Default for Schedule {
    fn default() -> Self {
        Self::new(COPY_POLL_EVERY)
    }
}

impl Schedule {
    /// A schedule whose looks come in this rhythm.
    pub(super) fn new(poll_every: Duration) -> Self {
        let first_pause = poll_every.max(SHORTEST_PAUSE);
        Self {
            task: Task::Idle,
            call: None,
            has_asked: false,
            due: Duration::ZERO,
            first_pause,
            pause: first_pause,
            trouble: None,
        }
    }

    /// The same schedule from the beginning.
    pub(super) fn restarted(&self) -> Self {
        Self::new(self.first_pause)
    }

    /// Comes back later: after pauses that grow, and that differ from one to another.
    pub(super) fn rest(&mut self, mono: Duration, random: &mut Random) {
        self.due = mono.saturating_add(random.jittered(self.pause));
        let longest = self.first_pause.saturating_mul(GROWTH);
        self.pause = self.pause.saturating_mul(3).min(longest.saturating_mul(2)) / 2;
    }

    /// Comes back to something that was not there: after a pause that is not longer than the last, and long enough for a
    /// list to catch up.
    pub(super) fn rest_after_miss(&mut self, mono: Duration, random: &mut Random) {
        self.pause = self.pause.min(self.first_pause.saturating_mul(2)).max(COPY_POLL_EVERY);
        self.rest(mono, random);
    }

    /// Something has changed: pauses are short again, and what was wrong is over.
    pub(super) fn refresh(&mut self) {
        self.pause = self.first_pause;
        self.trouble = None;
    }

    /// Whether nothing but trouble has come back for long.
    pub(super) fn is_held_up(&self, mono: Duration) -> bool {
        self.trouble.as_ref().is_some_and(|(since, _)| mono.saturating_sub(*since) >= GIVE_UP_AFTER)
    }

    /// The next task, at once.
    pub(super) fn next(&mut self, task: Task, mono: Duration) {
        self.task = task;
        self.due = mono;
    }

    pub(super) fn take_task(&mut self) -> Task {
        mem::take(&mut self.task)
    }
}

/// All of this run.
pub(super) struct Runs(Vec<SourceRun>);

impl Runs {
    /// `poll_every` is the rhythm of all looks.
    pub(super) fn new(sources: usize, regions: usize, poll_every: Duration) -> Self {
        let schedule = || Schedule::new(poll_every);
        let target = || TargetRun { schedule: schedule(), ..TargetRun::default() };
        let source = || SourceRun {
            schedule: schedule(),
            targets: (0..regions).map(|_| target()).collect(),
            ..SourceRun::default()
        };
        Self((0..sources).map(|_| source()).collect())
    }

    pub(super) fn schedule(&mut self, actor: Actor) -> &mut Schedule {
        match actor {
            Actor::Source(source) => &mut self[source].schedule,
            Actor::Target(target) => &mut self[target].schedule,
        }
    }
}

impl Index<SourceId> for Runs {
    type Output = SourceRun;

    fn index(&self, source: SourceId) -> &SourceRun {
        &self.0[source.0]
    }
}

impl IndexMut<SourceId> for Runs {
    fn index_mut(&mut self, source: SourceId) -> &mut SourceRun {
        &mut self.0[source.0]
    }
}

impl Index<TargetId> for Runs {
    type Output = TargetRun;

    fn index(&self, target: TargetId) -> &TargetRun {
        &self[target.source].targets[target.region]
    }
}

impl IndexMut<TargetId> for Runs {
    fn index_mut(&mut self, target: TargetId) -> &mut TargetRun {
        &mut self[target.source].targets[target.region]
    }
}
