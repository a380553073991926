//! From an answer's JSON text straight to Python's objects.
//!
//! A list of the API is a hundred objects with the same members, and most of them have the same value as before: where
//! one image is `NORMAL`, so is the next. So each object begins as a copy of the one before it at the same place, which
//! shares the names, needs no growing, and has most values already.
//!
//! The crate jiter reads into Python as well, and was measured beside this: half again as long for a list of a hundred
//! images, and not with Python 3.9's stable interface.

use std::borrow::Cow;
use std::fmt;

use pyo3::ffi::PyObject;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Reads one JSON value.
pub(crate) fn decode<'py>(py: Python<'py>, text: &str) -> Result<Bound<'py, PyAny>, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Value { py, place: &mut Place::default() }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// What is known of the values at one place of the answer, such as `ImageSet[].Tags[]`.
#[derive(Default)]
struct Place<'de, 'py> {
    /// The members of the objects there, in the order in which they came first.
    members: Vec<Member<'de, 'py>>,
    /// The object that came last: the next one begins as its copy.
    model: Option<Bound<'py, PyDict>>,
    /// How many objects there were.
    objects: u32,
    /// The last text there.
    text: Option<(&'de str, Bound<'py, PyString>)>,
}

struct Member<'de, 'py> {
    key: Cow<'de, str>,
    name: Bound<'py, PyString>,
    place: Place<'de, 'py>,
    /// The number of the last object that had it.
    seen: u32,
    /// The value that it had there. It is only compared: the object keeps the value alive.
    last: *mut PyObject,
}

struct Value<'a, 'de, 'py> {
    py: Python<'py>,
    place: &'a mut Place<'de, 'py>,
}

impl<'de, 'py> DeserializeSeed<'de> for Value<'_, 'de, 'py> {
    type Value = Bound<'py, PyAny>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, 'py> Visitor<'de> for Value<'_, 'de, 'py> {
    type Value = Bound<'py, PyAny>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(self.py.None().into_bound(self.py))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(PyBool::new(self.py, value).to_owned().into_any())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(PyInt::new(self.py, value).into_any())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(PyInt::new(self.py, value).into_any())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(PyFloat::new(self.py, value).into_any())
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(PyString::new(self.py, text).into_any())
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        match &self.place.text {
            Some((last, value)) if *last == text => Ok(value.clone().into_any()),
            _ => {
                let value = PyString::new(self.py, text);
                self.place.text = Some((text, value.clone()));
                Ok(value.into_any())
            }
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let list = PyList::empty(self.py);
        while let Some(item) = seq.next_element_seed(Value { py: self.py, place: self.place })? {
            list.append(item).map_err(failed)?;
        }
        Ok(list.into_any())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Place { members, model, objects, .. } = self.place;
        *objects += 1;
        let dict = match model {
            Some(model) => model.copy().map_err(failed)?,
            None => PyDict::new(self.py),
        };
        let (mut next, mut set) = (0, 0);
        while let Some(at) = map.next_key_seed(Key { py: self.py, members, next })? {
            next = at + 1;
            let member = &mut members[at];
            let value = map.next_value_seed(Value { py: self.py, place: &mut member.place })?;
            let before = std::mem::replace(&mut member.seen, *objects);
            set += usize::from(before != *objects);
            let had_it = before + 1 == *objects && model.is_some();
            if had_it && member.last == value.as_ptr() {
                continue;
            }
            member.last = value.as_ptr();
            dict.set_item(&member.name, value).map_err(failed)?;
        }
        if set < dict.len() {
            for member in members.iter().filter(|member| member.seen != *objects) {
                // Also a member that two objects in a row lack: it is gone already.
                if dict.contains(&member.name).map_err(failed)? {
                    dict.del_item(&member.name).map_err(failed)?;
                }
            }
        }
        *model = Some(dict.clone());
        Ok(dict.into_any())
    }
}

/// Finds a key among the members; a new one becomes one of them.
struct Key<'a, 'de, 'py> {
    py: Python<'py>,
    members: &'a mut Vec<Member<'de, 'py>>,
    next: usize,
}

impl<'de> DeserializeSeed<'de> for Key<'_, 'de, '_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Key<'_, 'de, '_> {
    fn find(self, key: Cow<'de, str>) -> usize {
        if self.members.get(self.next).is_some_and(|member| member.key == key) {
            return self.next;
        }
        self.members.iter().position(|member| member.key == key).unwrap_or_else(|| {
            let name = PyString::intern(self.py, &key);
            self.members.push(Member {
                key,
                name,
                place: Place::default(),
                seen: 0,
                last: std::ptr::null_mut(),
            });
            self.members.len() - 1
        })
    }
}

impl<'de> Visitor<'de> for Key<'_, 'de, '_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<usize, E> {
        Ok(self.find(Cow::Borrowed(key)))
    }

    fn visit_str<E>(self, key: &str) -> Result<usize, E> {
        Ok(self.find(Cow::Owned(key.to_owned())))
    }
}

/// Python cannot put an object together: it is out of memory.
fn failed<E: Error>(error: PyErr) -> E {
    E::custom(error)
}
