//! The disk of a program that has none: nobody can make one.

use alloc::string::String;
use alloc::vec::Vec;

use cvm_proto::Error;

use crate::file::{FilePath, Unread};

#[derive(Clone, Debug)]
pub(crate) enum Disk {}

impl Disk {
    pub(crate) fn variable(&self, _: &str) -> Result<Option<String>, Error> {
        match *self {}
    }

    pub(crate) fn has_home(&self) -> bool {
        match *self {}
    }

    pub(crate) fn has_system(&self) -> bool {
        match *self {}
    }

    pub(crate) fn show(&self, _: &FilePath) -> String {
        match *self {}
    }

    pub(crate) fn read(&self, _: &FilePath, _: u64) -> Result<Vec<u8>, Unread> {
        match *self {}
    }

    pub(crate) fn has(&self, _: &FilePath) -> bool {
        match *self {}
    }

    pub(crate) fn is_stream(&self, _: &FilePath) -> bool {
        match *self {}
    }

    pub(crate) fn names(&self, _: &FilePath) -> Vec<String> {
        match *self {}
    }

    pub(crate) fn too_wide(&self, _: &FilePath) -> Option<String> {
        match *self {}
    }
}
