//! Where the stages of a signature write their text: into a hash, a string, or before a person's eyes.

use alloc::string::String;
use core::fmt;

/// Takes text piece by piece. It comes as bytes, since a hash wants no more, and is always UTF-8.
pub(super) trait Sink {
    fn put(&mut self, text: &[u8]);
}

impl Sink for String {
    fn put(&mut self, text: &[u8]) {
        self.push_str(utf8(text));
    }
}

/// A formatter as a sink, which remembers whether it failed.
pub(super) struct Shown<'a, 'b> {
    to: &'a mut fmt::Formatter<'b>,
    result: fmt::Result,
}

impl<'a, 'b> Shown<'a, 'b> {
    pub(super) fn new(to: &'a mut fmt::Formatter<'b>) -> Self {
        Self { to, result: Ok(()) }
    }

    pub(super) fn result(self) -> fmt::Result {
        self.result
    }
}

impl Sink for Shown<'_, '_> {
    fn put(&mut self, text: &[u8]) {
        self.result = self.result.and_then(|()| self.to.write_str(utf8(text)));
    }
}

fn utf8(text: &[u8]) -> &str {
    core::str::from_utf8(text).expect("each piece is a whole string, or digits")
}
