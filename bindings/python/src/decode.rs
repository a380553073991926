//! From an answer's JSON text straight to Python's objects.
//!
//! A list of the API is a hundred objects with the same members in the same order, and most of them with the same value
//! as before: where one image is `NORMAL`, so is the next. So what comes is first compared with what came last at the
//! same place, and only read if it differs; and each object begins as a copy of the one before it, which shares the
//! names, needs no growing, and has most values already.
//!
//! For a hundred images this takes 0.62 of the time of visitors over `serde_json` that make the same dictionaries, and 0.45 of
//! that of `json.loads`; for instances of which hardly two values are alike 0.82 and 0.59: `docs/performance.md`. Visitors that
//! keep as much from object to object are as long as this, and still take a fifth longer. Integers of more than 64 bits stay
//! whole, which `serde_json` makes floats of.

use std::borrow::Cow;
use std::fmt;

use memchr::memchr2;
use pyo3::ffi::PyObject;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString};
use serde::de::IgnoredAny;

/// Deeper than any answer of the API, and shallow enough for every stack.
const DEEPEST: usize = 128;

/// Reads one JSON value.
pub(crate) fn decode<'py>(py: Python<'py>, text: &str) -> Result<Bound<'py, PyAny>, Unreadable> {
    let mut reader = Reader { py, text, at: 0 };
    let value = reader.value(&mut Position::default(), 0)?;
    reader.skip_space();
    if reader.at < text.len() { Err(reader.unexpected("the end")) } else { Ok(value) }
}

/// Why a text cannot be read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// It is not JSON: what was expected, and at which byte.
    Syntax(&'static str, usize),
    /// A text or a number that is well-formed and stands for nothing.
    Value(serde_json::Error, usize),
    /// Python could not make an object of it.
    Python(PyErr),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(expected, at) => write!(f, "expected {expected} at byte {at}"),
            Self::Value(error, at) => write!(f, "{error}, counted from byte {at}"),
            Self::Python(error) => error.fmt(f),
        }
    }
}

impl From<PyErr> for Unreadable {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

/// What is known of the values at one place of the answer, such as `ImageSet[].Tags[]`.
#[derive(Default)]
struct Position<'de, 'py> {
    /// The members of the objects there, in the order in which they came first.
    members: Vec<KnownMember<'de, 'py>>,
    /// The object that came last: the next one begins as its copy.
    model: Option<Bound<'py, PyDict>>,
    /// How many objects there were.
    objects: u32,
    /// The text that came last, as it is written, with its quotes.
    text: Option<(&'de str, Bound<'py, PyString>)>,
}

struct KnownMember<'de, 'py> {
    /// The name as it is written, from its first quote to the colon.
    written: &'de str,
    key: Cow<'de, str>,
    name: Bound<'py, PyString>,
    position: Position<'de, 'py>,
    /// The number of the last object that had it.
    seen: u32,
    /// The value that it had there. It is only compared: the object keeps the value alive.
    last: *mut PyObject,
}

struct Reader<'de, 'py> {
    py: Python<'py>,
    text: &'de str,
    at: usize,
}

impl<'de, 'py> Reader<'de, 'py> {
    fn value(
        &mut self,
        position: &mut Position<'de, 'py>,
        depth: usize,
    ) -> Result<Bound<'py, PyAny>, Unreadable> {
        self.skip_space();
        match self.peek() {
            Some(b'"') => self.string(position),
            Some(b'{') => self.object(position, depth + 1),
            Some(b'[') => self.array(position, depth + 1),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true", PyBool::new(self.py, true).to_owned().into_any()),
            Some(b'f') => self.literal("false", PyBool::new(self.py, false).to_owned().into_any()),
            Some(b'n') => self.literal("null", self.py.None().into_bound(self.py)),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn object(
        &mut self,
        position: &mut Position<'de, 'py>,
        depth: usize,
    ) -> Result<Bound<'py, PyAny>, Unreadable> {
        self.open(depth)?;
        let Position { members, model, objects, .. } = position;
        *objects = objects.wrapping_add(1);
        let dict = match model {
            Some(model) => model.copy()?,
            None => PyDict::new(self.py),
        };
        let (mut next, mut set) = (0, 0);
        let mut is_more = !self.take(b'}');
        while is_more {
            let at = self.member(members, next)?;
            next = at + 1;
            let member = &mut members[at];
            let value = self.value(&mut member.position, depth)?;
            let before = std::mem::replace(&mut member.seen, *objects);
            set += usize::from(before != *objects);
            let had_it = before.wrapping_add(1) == *objects && model.is_some();
            if !(had_it && member.last == value.as_ptr()) {
                member.last = value.as_ptr();
                dict.set_item(&member.name, value)?;
            }
            is_more = self.goes_on(b'}', "`,` or `}`")?;
        }
        if set < dict.len() {
            for member in members.iter().filter(|member| member.seen != *objects) {
                // Also a member that two objects in a row lack: it is gone already.
                if dict.contains(&member.name)? {
                    dict.del_item(&member.name)?;
                }
            }
        }
        *model = Some(dict.clone());
        Ok(dict.into_any())
    }

    /// Reads a member's name and the colon; gives its place among the members, where a new one is added.
    fn member(&mut self, members: &mut Vec<KnownMember<'de, 'py>>, next: usize) -> Result<usize, Unreadable> {
        self.skip_space();
        if let Some(member) = members.get(next)
            && self.rest().starts_with(member.written)
        {
            self.at += member.written.len();
            return Ok(next);
        }
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("the name of a member"));
        }
        let (written, is_plain) = self.quoted()?;
        self.skip_space();
        if !self.take(b':') {
            return Err(self.unexpected("`:`"));
        }
        let key = if is_plain { Cow::Borrowed(inner(written)) } else { unescaped(written, start)?.into() };
        if let Some(at) = members.iter().position(|member| member.key == key) {
            return Ok(at);
        }
        let (written, name) = (&self.text[start..self.at], PyString::intern(self.py, &key));
        let last = std::ptr::null_mut();
        members.push(KnownMember { written, key, name, position: Position::default(), seen: 0, last });
        Ok(members.len() - 1)
    }

    fn array(
        &mut self,
        position: &mut Position<'de, 'py>,
        depth: usize,
    ) -> Result<Bound<'py, PyAny>, Unreadable> {
        self.open(depth)?;
        let list = PyList::empty(self.py);
        let mut is_more = !self.take(b']');
        while is_more {
            list.append(self.value(position, depth)?)?;
            is_more = self.goes_on(b']', "`,` or `]`")?;
        }
        Ok(list.into_any())
    }

    fn string(&mut self, position: &mut Position<'de, 'py>) -> Result<Bound<'py, PyAny>, Unreadable> {
        // With its closing quote a text is the beginning of no other.
        if let Some((written, value)) = &position.text
            && self.rest().starts_with(written)
        {
            self.at += written.len();
            return Ok(value.clone().into_any());
        }
        let start = self.at;
        let (written, is_plain) = self.quoted()?;
        let value = if is_plain {
            PyString::new(self.py, inner(written))
        } else {
            PyString::new(self.py, &unescaped(written, start)?)
        };
        position.text = Some((written, value.clone()));
        Ok(value.into_any())
    }

    /// Passes over a text; gives it with its quotes, and whether it stands for itself.
    fn quoted(&mut self) -> Result<(&'de str, bool), Unreadable> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let (mut at, mut is_plain) = (start + 1, true);
        loop {
            match memchr2(b'"', b'\\', &bytes[at.min(bytes.len())..]) {
                Some(found) if bytes[at + found] == b'"' => {
                    self.at = at + found + 1;
                    let written = &self.text[start..self.at];
                    // A control character makes it ill-formed, which the slow way finds.
                    return Ok((written, is_plain && inner(written).bytes().all(|byte| byte >= b' ')));
                }
                Some(found) => {
                    is_plain = false;
                    at += found + 2;
                }
                None => return Err(Unreadable::Syntax("the end of a text", bytes.len())),
            }
        }
    }

    fn number(&mut self) -> Result<Bound<'py, PyAny>, Unreadable> {
        let start = self.at;
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let len = self.rest().bytes().take_while(|byte| is_part(byte)).count();
        self.at += len;
        let written = &self.text[start..self.at];
        let digits = written.strip_prefix('-').unwrap_or(written);
        let is_whole = digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_whole && !digits.is_empty() && (digits == "0" || !digits.starts_with('0')) {
            return match written.parse::<i64>() {
                Ok(small) => Ok(PyInt::new(self.py, small).into_any()),
                Err(_) => Ok(self.py.get_type::<PyInt>().call1((written,))?),
            };
        }
        // The standard library reads every number to its last digit, and some that are none in JSON.
        let well_formed = serde_json::from_str::<IgnoredAny>(written);
        well_formed.map_err(|error| Unreadable::Value(error, start))?;
        let value: f64 = written.parse().map_err(|_| Unreadable::Syntax("a number", start))?;
        Ok(PyFloat::new(self.py, value).into_any())
    }

    fn literal(
        &mut self,
        word: &'static str,
        value: Bound<'py, PyAny>,
    ) -> Result<Bound<'py, PyAny>, Unreadable> {
        if !self.rest().starts_with(word) {
            return Err(self.unexpected(word));
        }
        self.at += word.len();
        Ok(value)
    }

    /// Passes over the opening of an object or an array.
    fn open(&mut self, depth: usize) -> Result<(), Unreadable> {
        if depth > DEEPEST {
            return Err(self.unexpected("less depth"));
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    /// Passes over what follows an element: whether there is another.
    fn goes_on(&mut self, close: u8, expected: &'static str) -> Result<bool, Unreadable> {
        self.skip_space();
        if self.take(b',') {
            Ok(true)
        } else if self.take(close) {
            Ok(false)
        } else {
            Err(self.unexpected(expected))
        }
    }

    fn rest(&self) -> &'de str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn unexpected(&self, expected: &'static str) -> Unreadable {
        Unreadable::Syntax(expected, self.at)
    }
}

/// A text without its quotes.
fn inner(written: &str) -> &str {
    &written[1..written.len() - 1]
}

/// What a text with escapes stands for.
fn unescaped(written: &str, start: usize) -> Result<String, Unreadable> {
    serde_json::from_str(written).map_err(|error| Unreadable::Value(error, start))
}
