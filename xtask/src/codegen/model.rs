//! The API as the generator sees it: facts, corrections and descriptions joined.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::member::{Member, MemberType};
use super::names;
use super::source::{Facts, Fixup, Source};

pub(super) struct Model {
    pub(super) version: String,
    pub(super) actions: Vec<Action>,
    pub(super) resources: Vec<Resource>,
    /// Every error code with its meaning, which may be empty.
    pub(super) codes: BTreeMap<String, String>,
}

pub(super) struct Action {
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) errors: Vec<String>,
    pub(super) request: Struct,
    pub(super) response: Struct,
    pub(super) rate: Option<u32>,
    pub(super) needs_region: bool,
    pub(super) page: Option<Paging>,
}

/// How the answers of an action come in pages.
pub(super) struct Paging {
    pub(super) by: PagedBy,
    /// The size of the largest page.
    pub(super) max: u64,
    /// The member of the answer that holds the items, and what they are.
    pub(super) items: String,
    pub(super) items_wire: String,
    pub(super) item: String,
}

/// What a request names to get the next page.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum PagedBy {
    /// `Offset`: the number of items before it.
    Offset,
    /// `NextToken`: what the answer before it gave.
    Token,
}

pub(super) struct Resource {
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) structs: Vec<Struct>,
    pub(super) enums: Vec<Enum>,
}

pub(super) struct Struct {
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) members: Vec<Member>,
}

pub(super) struct Enum {
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) values: Vec<Value>,
    /// The fields that have it, as paths below `crate::api`.
    pub(super) fields: Vec<String>,
}

pub(super) struct Value {
    pub(super) wire: String,
    pub(super) variant: String,
    pub(super) doc: String,
}

impl Struct {
    pub(super) fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.wire == name)
    }
}

impl Model {
    pub(super) fn load(spec: &Path) -> Result<Self, String> {
        let mut source = Source::read(spec)?;
        correct(&mut source.facts, &source.fixups)?;
        check_docs(&source)?;
        let builder = Builder::new(&source);
        let mut codes: BTreeMap<String, String> =
            source.facts.error_codes.iter().map(|code| (code.clone(), String::new())).collect();
        codes.extend(source.codes.clone());
        let actions =
            source.facts.actions.keys().map(|name| builder.action(name)).collect::<Result<_, _>>()?;
        Ok(Self { version: source.facts.version.clone(), actions, resources: builder.resources()?, codes })
    }
}

fn correct(facts: &mut Facts, fixups: &[Fixup]) -> Result<(), String> {
    for fixup in fixups {
        let member = fixup.name.split_once('.').and_then(|(owner, name)| {
            facts.types.get_mut(owner)?.iter_mut().find(|member| member.name == name)
        });
        let Some(member) = member else {
            return Err(format!(
                "fixups.toml corrects {}, which does not exist ({})",
                fixup.name, fixup.reason
            ));
        };
        let before = member.clone();
        member.required = fixup.required.unwrap_or(member.required);
        member.nullable = fixup.nullable.unwrap_or(member.nullable);
        if *member == before {
            return Err(format!(
                "fixups.toml corrects {}, which is already right: remove the fixup",
                fixup.name
            ));
        }
    }
    Ok(())
}

/// Descriptions of what does not exist are mistakes, or left over from an earlier specification.
fn check_docs(source: &Source) -> Result<(), String> {
    let members: BTreeSet<String> = source
        .facts
        .types
        .iter()
        .flat_map(|(owner, members)| members.iter().map(move |member| format!("{owner}.{}", member.name)))
        .collect();
    let limits = &source.limits;
    let described = (source.members.keys())
        .chain(source.enums.values().flat_map(|e| &e.members))
        .chain(&source.secrets)
        .chain(limits.max_items.keys())
        .chain(limits.max_value.keys())
        .chain(limits.max_chars.keys());
    for name in described {
        if !members.contains(name) {
            return Err(format!("spec/docs/ describes the member {name}, which does not exist"));
        }
    }
    for name in source.actions.keys().chain(limits.rate.keys()).chain(&limits.no_region.actions) {
        if !source.facts.actions.contains_key(name) {
            return Err(format!("spec/docs/ describes the action {name}, which does not exist"));
        }
    }
    for name in source.types.keys().chain(source.resources.values().flat_map(|r| &r.types)) {
        if !source.facts.types.contains_key(name) {
            return Err(format!("spec/docs/ describes the type {name}, which does not exist"));
        }
    }
    for name in source.facts.actions.keys() {
        if !source.actions.contains_key(name) {
            return Err(format!("spec/docs/actions.toml does not describe {name}"));
        }
    }
    Ok(())
}

struct Builder<'a> {
    source: &'a Source,
    /// The enum of each member that has one.
    enums: BTreeMap<&'a str, &'a str>,
    /// The structures that requests are made of.
    inputs: BTreeSet<String>,
    /// The structures of requests and answers themselves, and what they are called here.
    outermost: BTreeMap<&'a str, String>,
}

impl<'a> Builder<'a> {
    fn new(source: &'a Source) -> Self {
        let enums = (source.enums.iter())
            .flat_map(|(name, e)| e.members.iter().map(move |member| (member.as_str(), name.as_str())))
            .collect();
        let actions = source.facts.actions.values();
        let outermost = (source.facts.actions.iter())
            .flat_map(|(name, action)| {
                [(action.input.as_str(), name.clone()), (action.output.as_str(), format!("{name}Response"))]
            })
            .collect();
        let mut inputs = BTreeSet::new();
        let mut open: Vec<String> = actions.map(|action| action.input.clone()).collect();
        while let Some(name) = open.pop() {
            for member in source.facts.types.get(&name).into_iter().flatten() {
                let element = element(&member.type_name);
                if source.facts.types.contains_key(element) {
                    open.push(element.to_string());
                }
            }
            inputs.insert(name);
        }
        Self { source, enums, inputs, outermost }
    }

    fn action(&self, name: &str) -> Result<Action, String> {
        let source = self.source;
        let facts = &source.facts.actions[name];
        let request = self.structure(&facts.input, name.to_string(), String::new())?;
        let response =
            self.structure(&facts.output, format!("{name}Response"), format!("The answer to [`{name}`]."))?;
        Ok(Action {
            name: name.to_string(),
            doc: source.actions[name].clone(),
            errors: facts.errors.clone(),
            page: self.page(&facts.input, &request, &response),
            request,
            response,
            rate: source.limits.rate.get(name).copied(),
            needs_region: !source.limits.no_region.actions.iter().any(|action| action == name),
        })
    }

    fn page(&self, input: &str, request: &Struct, response: &Struct) -> Option<Paging> {
        let (by, size) = if request.member("Offset").is_some() && request.member("Limit").is_some() {
            (PagedBy::Offset, "Limit")
        } else if request.member("NextToken").is_some() && response.member("NextToken").is_some() {
            (PagedBy::Token, "MaxResults")
        } else {
            return None;
        };
        let items = response
            .members
            .iter()
            .find(|member| matches!(&member.ty, MemberType::List(of) if of.is_struct()))?;
        let max = self.source.limits.max_value.get(&format!("{input}.{size}")).copied().unwrap_or(100);
        let (field, wire) = (items.field.clone(), items.wire.clone());
        Some(Paging { by, max, items: field, items_wire: wire, item: items.ty.element().rust() })
    }

    fn structure(&self, facts_name: &str, name: String, doc: String) -> Result<Struct, String> {
        let facts = self
            .source
            .facts
            .types
            .get(facts_name)
            .ok_or(format!("the type {facts_name} is not described"))?;
        let input = self.inputs.contains(facts_name);
        let members = facts.iter().map(|facts| {
            let path = format!("{facts_name}.{}", facts.name);
            let ty = self.member_type(&path, &facts.type_name)?;
            let doc = match self.source.members.get(&path) {
                Some(doc) => doc.clone(),
                None if facts.name == "RequestId" => "The id to quote to the service's support.".into(),
                None => return Err(format!("spec/docs/members.toml does not describe {path}")),
            };
            let limits = &self.source.limits;
            Ok(Member {
                wire: facts.name.clone(),
                field: names::field(&facts.name),
                ty,
                input,
                required: facts.required && input,
                nullable: facts.nullable,
                deprecated: facts.deprecated,
                secret: self.source.secrets.contains(&path),
                doc,
                max_items: limits.max_items.get(&path).copied(),
                max_value: limits.max_value.get(&path).copied(),
                max_chars: limits.max_chars.get(&path).copied(),
            })
        });
        Ok(Struct { name, doc, members: members.collect::<Result<_, String>>()? })
    }

    fn member_type(&self, path: &str, type_name: &str) -> Result<MemberType, String> {
        if let Some(element) = type_name.strip_prefix("list<").and_then(|rest| rest.strip_suffix('>')) {
            return Ok(MemberType::List(Box::new(self.member_type(path, element)?)));
        }
        Ok(match type_name {
            "string" => match self.enums.get(path) {
                Some(name) => MemberType::Enum((*name).into()),
                None => MemberType::Text,
            },
            "datetime" | "datetime_iso" | "date" => MemberType::Text,
            "int64" => MemberType::Int,
            "uint64" => MemberType::Uint,
            "float" => MemberType::Float,
            "bool" => MemberType::Bool,
            name if self.source.facts.types.contains_key(name) => MemberType::Struct(name.into()),
            other => return Err(format!("{path} has the unknown type {other}")),
        })
    }

    /// A member such as `Image.ImageState` as the path of its field below `crate::api`: `types::Image::image_state`.
    fn path(&self, member: &str) -> Option<String> {
        let (owner, name) = member.split_once('.')?;
        let owner = self.outermost.get(owner).cloned().unwrap_or_else(|| format!("types::{owner}"));
        Some(format!("{owner}::{}", names::snake(name)))
    }

    /// The shared types by resource; an enum stands with the first shared type that has it, or with the options of
    /// requests.
    fn resources(&self) -> Result<Vec<Resource>, String> {
        let source = self.source;
        let mut home: BTreeMap<&str, &str> = BTreeMap::new();
        for (resource, it) in &source.resources {
            home.extend(it.types.iter().map(|name| (name.as_str(), resource.as_str())));
        }
        let mut out: BTreeMap<&str, Resource> = BTreeMap::new();
        let resource = |name: &str, doc: &str| Resource {
            name: name.into(),
            doc: doc.into(),
            structs: Vec::new(),
            enums: Vec::new(),
        };
        for (name, it) in &source.resources {
            out.insert(name, resource(name, &it.doc));
        }
        out.insert(
            "options",
            resource("options", "Known values of members that only requests and answers have."),
        );
        for name in source.facts.types.keys().filter(|name| !self.outermost.contains_key(name.as_str())) {
            let doc =
                source.types.get(name).ok_or(format!("spec/docs/types.toml does not describe {name}"))?;
            let place = home.get(name.as_str()).copied().unwrap_or("common");
            let structure = self.structure(name, name.clone(), doc.clone())?;
            out.get_mut(place)
                .ok_or("spec/docs/resources.toml has no resource `common`")?
                .structs
                .push(structure);
        }
        for (name, it) in &source.enums {
            let owners =
                it.members.iter().filter_map(|member| member.split_once('.')).map(|(owner, _)| owner);
            let place = owners
                .filter(|owner| !self.outermost.contains_key(owner))
                .find_map(|owner| home.get(owner).copied());
            out.get_mut(place.unwrap_or("options"))
                .ok_or(format!("{name} belongs to a resource that does not exist"))?
                .enums
                .push(Enum {
                    name: name.clone(),
                    doc: it.doc.clone(),
                    values: values(name, &it.values)?,
                    fields: it.members.iter().filter_map(|member| self.path(member)).collect(),
                });
        }
        Ok(out.into_values().collect())
    }
}

/// The values of an enum, each with a variant of its own.
fn values(name: &str, values: &[(String, String)]) -> Result<Vec<Value>, String> {
    let mut taken = BTreeSet::from(["Other".to_string()]);
    let value = |(wire, doc): &(String, String)| {
        let variant = names::variant(wire);
        if !taken.insert(variant.clone()) {
            return Err(format!(
                "two values of {name} make the variant {variant}: tell them apart in xtask/src/codegen/names.rs"
            ));
        }
        Ok(Value { wire: wire.clone(), variant, doc: doc.clone() })
    };
    values.iter().map(value).collect()
}

/// What a list is of; any other type itself.
fn element(type_name: &str) -> &str {
    type_name.strip_prefix("list<").and_then(|rest| rest.strip_suffix('>')).unwrap_or(type_name)
}
