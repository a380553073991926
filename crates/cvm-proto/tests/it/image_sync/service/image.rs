//! An image of the service, and what becomes of it.

use super::OLD;

/// What becomes of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Fine,
    Fails,
    Never,
}

#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub id: String,
    pub name: String,
    pub os: &'static str,
    pub size: i64,
    pub kind: &'static str,
    /// Whose it is.
    pub account: &'static str,
    pub created: String,
    pub description: String,
    pub family: String,
    pub tags: Vec<(&'static str, &'static str)>,
    /// The source that it is a copy of.
    pub source: Option<String>,
    pub state: &'static str,
    /// Which job's request made it.
    pub maker: u64,
    /// When it was made.
    pub made_at: u64,
    /// Not to be seen before this time.
    pub visible_from: u64,
    /// Without a type before this time.
    pub typed_from: u64,
    pub copying: Option<(u64, Fate)>,
    pub outgoing: Vec<(u64, Fate)>,
}

impl Image {
    pub(crate) fn new(id: &str, name: &str) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            os: "Ubuntu Server 22.04 LTS 64bit",
            size: 50,
            kind: "PRIVATE_IMAGE",
            account: super::ACCOUNT,
            created: OLD.into(),
            description: String::new(),
            family: String::new(),
            tags: Vec::new(),
            source: None,
            state: "NORMAL",
            maker: 0,
            made_at: 0,
            visible_from: 0,
            typed_from: 0,
            copying: None,
            outgoing: Vec::new(),
        }
    }

    pub(crate) fn state(&self, now: u64, length: u64) -> (&'static str, Option<u64>) {
        let running = |&(since, fate): &(u64, Fate)| fate == Fate::Never || now < since + length;
        let percent = |&(since, _): &(u64, Fate)| (now.saturating_sub(since) * 100 / length.max(1)).min(99);
        if let Some(percent) = self.outgoing.iter().filter(|copy| running(copy)).map(percent).min() {
            return ("SYNCING", Some(percent));
        }
        match &self.copying {
            None => (self.state, None),
            Some(copy) if running(copy) => ("SYNCING", Some(percent(copy))),
            Some((_, Fate::Fails)) => ("CREATEFAILED", None),
            Some(_) => ("NORMAL", Some(100)),
        }
    }

    /// The type as it is shown.
    pub(crate) fn shown_kind(&self, now: u64) -> &'static str {
        if now < self.typed_from { "" } else { self.kind }
    }

    /// Whether an account sees it.
    pub(crate) fn is_seen(&self, account: &str, now: u64) -> bool {
        self.visible_from <= now && (self.account == account || self.kind != "PRIVATE_IMAGE")
    }
}
