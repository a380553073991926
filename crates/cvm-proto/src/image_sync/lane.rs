//! What the machine has in mind for one source or one target, and does not write down.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use super::Destination;
use super::ask::Ask;
use crate::api::DescribeImages;
use crate::api::types::{Image, ImageState};
use crate::error::Error;
use crate::random::Random;

/// The first pause between two looks at the same thing, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// One source or one target on its way.
pub(super) struct Lane {
    pub(super) errand: Errand,
    /// The call that the errand has out.
    pub(super) ask: Option<Ask>,
    /// Nothing is begun before this time.
    pub(super) due: Duration,
    pause: Duration,
    /// Since when nothing but trouble has come back.
    pub(super) trouble_since: Option<Duration>,
    /// How it ended for this run, if not for good.
    pub(super) closed: Option<Box<Destination>>,
    /// What was last told of the copy.
    pub(super) seen: Option<(ImageState, Option<i64>)>,
    /// How many looks in a row did not find the copy.
    pub(super) misses: u32,
    /// How many requests of this run were lost.
    pub(super) lost: u32,
    /// The service's refusal because the name is taken, while no image of that name is to be seen.
    pub(super) taken: Option<Error>,
}

/// What a lane is at.
#[derive(Default)]
pub(super) enum Errand {
    #[default]
    Idle,
    /// A source: does it exist, and is it free?
    Look,
    /// A source: start the copies for these targets. The intent of this attempt has been written down.
    Submit {
        batch: Vec<usize>,
        recorded: u32,
    },
    /// A target: what has the name there?
    Survey {
        query: Box<DescribeImages>,
        found: Vec<Image>,
    },
    /// A target: how many images are there, and how many may be?
    Count,
    Quota {
        images: i64,
    },
    /// A target: would a copy be accepted?
    Probe,
    /// A target: how far is the copy?
    Watch,
    /// A target: the copy gets what it lacks of its source.
    Align {
        image: Box<Image>,
        notes: Vec<String>,
    },
    /// A target: a copy that failed is deleted; `ours` ends the target with the error.
    Discard {
        image_id: String,
        error: Option<Box<Error>>,
    },
}

/// What a source knows beside what is written down.
#[derive(Default)]
pub(super) struct Front {
    /// The last look found it free.
    pub(super) ready: bool,
    pub(super) told_found: bool,
    pub(super) told_busy: bool,
    /// Why the last request for copies came to nothing.
    pub(super) declined: Option<Error>,
    /// The targets have been tried one by one after a refusal.
    pub(super) probed: bool,
    /// Requests for several regions are refused and nobody knows why: one region a request.
    pub(super) singly: bool,
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            errand: Errand::Idle,
            ask: None,
            due: Duration::ZERO,
            pause: FIRST_PAUSE,
            trouble_since: None,
            closed: None,
            seen: None,
            misses: 0,
            lost: 0,
            taken: None,
        }
    }
}

impl Lane {
    /// A lane with nothing more to do in this run.
    pub(super) fn closed(destination: Destination) -> Self {
        Self { closed: Some(Box::new(destination)), ..Self::default() }
    }

    /// Comes back later: after pauses that grow, and that differ from lane to lane.
    pub(super) fn rest(&mut self, mono: Duration, random: &mut Random) {
        self.due = mono.saturating_add(random.jittered(self.pause));
        self.pause = (self.pause * 3 / 2).min(LONGEST_PAUSE);
    }

    /// Something has changed: pauses are short again, and what was wrong is over.
    pub(super) fn refresh(&mut self) {
        self.pause = FIRST_PAUSE;
        self.trouble_since = None;
    }

    pub(super) fn take_errand(&mut self) -> Errand {
        mem::take(&mut self.errand)
    }
}
