//! Handles: which source, which target.

use core::ops::{Index, IndexMut};

use super::state::{Source, SyncState, Target};

/// An image to be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SourceId(pub(super) usize);

/// An image to be copied, and a region that it goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TargetId {
    pub(super) source: SourceId,
    pub(super) region: usize,
}

/// Whoever makes calls: a source, or a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Actor {
    Source(SourceId),
    Target(TargetId),
}

impl Actor {
    pub(super) fn source(self) -> SourceId {
        match self {
            Self::Source(source) | Self::Target(TargetId { source, .. }) => source,
        }
    }
}

impl From<SourceId> for Actor {
    fn from(source: SourceId) -> Self {
        Self::Source(source)
    }
}

impl From<TargetId> for Actor {
    fn from(target: TargetId) -> Self {
        Self::Target(target)
    }
}

impl Index<SourceId> for SyncState {
    type Output = Source;

    fn index(&self, source: SourceId) -> &Source {
        &self.sources[source.0]
    }
}

impl IndexMut<SourceId> for SyncState {
    fn index_mut(&mut self, source: SourceId) -> &mut Source {
        &mut self.sources[source.0]
    }
}

impl Index<TargetId> for SyncState {
    type Output = Target;

    fn index(&self, target: TargetId) -> &Target {
        &self[target.source].targets[target.region]
    }
}

impl IndexMut<TargetId> for SyncState {
    fn index_mut(&mut self, target: TargetId) -> &mut Target {
        &mut self[target.source].targets[target.region]
    }
}
