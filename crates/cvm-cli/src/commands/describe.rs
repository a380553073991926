//! `cvm describe`: one action with its parameters, answer, errors and an example.

use std::fmt::Write;

use cvm_proto::codec::flatten;
use serde_json::{Value, json};

use crate::args::{DescribeArgs, Global, Output};
use crate::catalogue::example::Extent;
use crate::catalogue::{Action, Catalogue, Member, MemberType};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table::wrapped;
use crate::{output, render};

/// The widest and the narrowest lines that descriptions are wrapped to; in between they are as wide as the terminal.
const MAX_WIDTH: usize = 100;
const MIN_WIDTH: usize = 40;

/// Describes the action.
pub(crate) fn run(global: &Global, args: &DescribeArgs) -> Result<Exit, Failure> {
    let catalogue = Catalogue::load();
    let action = find(catalogue, &args.action)?;
    if global.format() == Output::Json {
        output::json(&json!({
            "action": args.action,
            "doc": action.doc,
            "requests_per_second": action.rate,
            "needs_region": action.region,
            "paged": action.paged.is_some(),
            "request": members(&action.request),
            "response": members(&action.response),
            "errors": action.errors,
            "example": catalogue.example(&action.request, Extent::Required),
        }))?;
    } else {
        let width = render::columns().clamp(MIN_WIDTH, MAX_WIDTH);
        output::lines(text(catalogue, &args.action, action, width).trim_end())?;
    }
    Ok(Exit::Done)
}

/// The action of that name, or what one may have meant.
pub(crate) fn find<'a>(catalogue: &'a Catalogue, name: &str) -> Result<&'a Action, Failure> {
    catalogue.action(name).ok_or_else(|| {
        let hint = match catalogue.suggest(name) {
            Some(meant) => format!("did you mean {meant}?"),
            None => "`cvm actions` lists those it knows".to_string(),
        };
        Failure::usage(format!("this build does not know the action `{name}`: {hint}"))
    })
}

fn members(members: &[Member]) -> Vec<serde_json::Value> {
    let entry = |member: &Member| {
        json!({
            "name": member.name,
            "type": member.kind,
            "required": member.required,
            "deprecated": member.deprecated,
            "doc": member.doc,
        })
    };
    members.iter().map(entry).collect()
}

fn text(catalogue: &Catalogue, name: &str, action: &Action, width: usize) -> String {
    let mut out = format!("{name}\n\n");
    let _ = writeln!(out, "{}", wrapped(&action.doc, 2, width));
    let mut facts = Vec::new();
    facts.extend(action.rate.map(|rate| format!("At most {rate} requests a second.")));
    facts.extend((!action.region).then(|| "Needs no region.".to_string()));
    if let Some(paged) = &action.paged {
        facts.push(format!("Comes in pages of up to {}: --all-pages reads them all.", paged.size));
    }
    if !facts.is_empty() {
        let _ = writeln!(out, "\n{}", wrapped(&facts.join(" "), 2, width));
    }
    section(&mut out, catalogue, width, "PARAMETERS", &action.request);
    section(&mut out, catalogue, width, "ANSWER", &action.response);
    if !action.errors.is_empty() {
        out.push_str("\nERRORS\n");
        for code in &action.errors {
            let _ = writeln!(out, "  {code}");
        }
    }
    let _ = writeln!(
        out,
        "\nEXAMPLE\n  {}",
        command(name, &catalogue.example(&action.request, Extent::Required))
    );
    out
}

/// A request as a command line.
fn command(name: &str, request: &Value) -> String {
    ["cvm call ".to_string() + name]
        .into_iter()
        .chain(typed(request).map(quoted))
        .collect::<Vec<_>>()
        .join(" ")
}

/// A request as the parameters of `cvm call`.
fn typed(request: &Value) -> impl Iterator<Item = String> {
    // An example is an object of members with values, so it can be written flat.
    let parameters = flatten::flatten(request).unwrap_or_default();
    parameters.into_iter().map(|(key, value)| format!("{key}={value}"))
}

/// A word as a shell reads it back.
fn quoted(word: String) -> String {
    let plain = word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:=".contains(&b));
    if plain { word } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

fn section(out: &mut String, catalogue: &Catalogue, width: usize, heading: &str, members: &[Member]) {
    let _ = write!(out, "\n{heading}\n");
    if members.is_empty() {
        out.push_str("  none\n");
    }
    let mut types = Vec::new();
    list(out, catalogue, (2, width), members, &mut types);
    // Types that the members are made of, each once, and theirs.
    let mut at = 0;
    while at < types.len() {
        let name: &'static str = types[at];
        at += 1;
        match catalogue.kind(name) {
            MemberType::Type(known) => {
                let _ = writeln!(out, "\n{}", wrapped(&format!("{name}: {}", known.doc), 2, width));
                list(out, catalogue, (4, width), &known.members, &mut types);
            }
            MemberType::Enum(known) => {
                let _ = writeln!(out, "\n{}", wrapped(&format!("{name}: {}", known.doc), 2, width));
                for (value, doc) in &known.values {
                    let _ = writeln!(out, "{}", wrapped(&format!("{value}: {doc}"), 4, width));
                }
            }
            _ => {}
        }
    }
}

fn list(
    out: &mut String,
    catalogue: &Catalogue,
    (indent, width): (usize, usize),
    members: &[Member],
    types: &mut Vec<&'static str>,
) {
    for member in members {
        let mut marks = String::new();
        if member.required {
            marks.push_str(", required");
        }
        if member.deprecated {
            marks.push_str(", deprecated");
        }
        let _ = writeln!(out, "{:indent$}{}  {}{marks}", "", member.name, member.kind);
        let _ = writeln!(out, "{}", wrapped(&member.doc, indent + 4, width));
        let element = match catalogue.kind(member.kind) {
            MemberType::List(element) => element,
            _ => member.kind,
        };
        if matches!(catalogue.kind(element), MemberType::Type(_) | MemberType::Enum(_))
            && !types.contains(&element)
        {
            types.push(element);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters;

    #[test]
    fn every_example_can_be_typed() {
        let catalogue = Catalogue::load();
        for (name, action) in catalogue.actions() {
            let example = catalogue.example(&action.request, Extent::All);
            let mut parameters = parameters::parse(&typed(&example).collect::<Vec<_>>()).unwrap();
            catalogue.fit(&action.request, &mut parameters);
            assert_eq!(parameters, example, "{name}");
        }
    }

    #[test]
    fn what_a_shell_would_change_is_quoted() {
        let request = json!({"ImageName": "it's $HOME", "Limit": 1});
        assert_eq!(
            command("CreateImage", &request),
            r"cvm call CreateImage 'ImageName=it'\''s $HOME' Limit=1"
        );
    }
}
