//! One file for each action: request, answer, and how the action may be treated.

use std::collections::BTreeSet;

use super::model::{Action, Model, PagedBy, Paging};
use super::types::{has_secret, implementation, imports, structure, table};
use super::{doc_comment, names};

pub(super) fn render(model: &Model, action: &Action) -> String {
    let name = &action.name;
    let (request, response) = (&action.request, &action.response);
    let checks = checks(action);
    let mut out = format!("//! `{name}`\n\n");

    out.push_str(&imports([request, response].into_iter(), &BTreeSet::new()));
    out.push_str("use crate::call::Action;\n");
    if !checks.is_empty() {
        out.push_str("use crate::codec::check;\nuse crate::error::Error;\n");
    }
    let redacted = if has_secret(request) || has_secret(response) { ", redacted_debug" } else { "" };
    out.push_str(&format!("use crate::codec::record::{{record{redacted}}};\n"));
    if action.page.is_some() {
        out.push_str(
            "use crate::call::page;\nuse crate::call::{Call, Page, Paged};\nuse crate::client::Config;\n",
        );
    }
    out.push('\n');

    // The request's own documentation is the action's.
    out.push_str(&doc(model, action));
    out.push_str(&structure(request));
    out.push_str(&implementation(request));
    out.push_str(&treatment(action, &checks));
    if let Some(page) = &action.page {
        out.push_str(&paged(action, page));
    }
    out.push_str(&table(request));
    out.push_str(&doc_comment::item(&response.doc));
    out.push_str(&structure(response));
    out.push_str(&table(response));
    out
}

fn doc(model: &Model, action: &Action) -> String {
    let mut facts = Vec::new();
    if let Some(rate) = action.rate {
        facts.push(format!("At most {rate} requests a second."));
    }
    facts.push(repeat_in_words(action).into());
    if !action.needs_region {
        facts.push("Needs no region.".into());
    }
    let mut out = format!("{}///\n{}", doc_comment::item(&action.doc), doc_comment::lines(&facts.join(" ")));
    if !action.errors.is_empty() {
        out.push_str("///\n/// # Errors\n///\n");
        out.push_str(&doc_comment::codes(&action.errors));
    }
    out.push_str(&format!(
        "///\n/// Source: [{0}](https://console.cloud.tencent.com/api/explorer?Product=cvm&Version={1}&Action={0}),\n\
         /// the service's API reference.\n",
        action.name, model.version
    ));
    out
}

pub(super) fn is_read_only(action: &Action) -> bool {
    action.name.starts_with("Describe") || action.name.starts_with("Inquir")
}

pub(super) fn repeat_in_words(action: &Action) -> &'static str {
    if is_read_only(action) {
        "Safe to repeat."
    } else if action.request.member("ClientToken").is_some() {
        "Safe to repeat, since a `ClientToken` is sent; one is made if none is given."
    } else if action.request.member("DryRun").is_some() {
        "Not safe to repeat, except as a dry run."
    } else {
        "Not safe to repeat."
    }
}

fn checks(action: &Action) -> Vec<String> {
    let mut checks: Vec<String> =
        action.request.members.iter().flat_map(|member| member.checks(&action.name)).collect();
    // Where a list of ids and filters exclude each other, the descriptions of both say so.
    if let Some(filters) =
        action.request.member("Filters").filter(|member| member.doc.contains("annot be combined with"))
    {
        let other = action.request.members.iter().find(|member| {
            member.wire.ends_with("Ids") && filters.doc.contains(&format!("combined with `{}`", member.wire))
        });
        if let Some(ids) = other {
            checks.push(format!(
                "check::exclusive(\"{}\", (\"{}\", &self.{}), (\"Filters\", &self.filters))",
                action.name, ids.wire, ids.field
            ));
        }
    }
    checks
}

fn treatment(action: &Action, checks: &[String]) -> String {
    let name = &action.name;
    let mut out = format!("impl Action for {name} {{\nconst NAME: &'static str = \"{name}\";\n");
    if let Some(rate) = action.rate {
        out.push_str(&format!("const RATE_LIMIT: Option<u32> = Some({rate});\n"));
    }
    if !action.needs_region {
        out.push_str("const NEEDS_REGION: bool = false;\n");
    }
    out.push_str(&format!("type Response = {name}Response;\n\n"));
    let token = action.request.member("ClientToken").is_some();
    let mut safe = Vec::new();
    if is_read_only(action) {
        safe.push("true");
    } else {
        if token {
            safe.push("self.client_token.as_ref().is_some_and(|token| !token.is_empty())");
        }
        if action.request.member("DryRun").is_some() {
            safe.push("self.dry_run == Some(true)");
        }
        if safe.is_empty() {
            safe.push("false");
        }
    }
    out.push_str(&format!("fn safe_to_repeat(&self) -> bool {{\n{}\n}}\n", safe.join(" || ")));
    if token {
        out.push_str(
            "\nfn client_token(&mut self) -> Option<&mut Option<String>> {\nSome(&mut self.client_token)\n}\n",
        );
    }
    if let Some((last, others)) = checks.split_last() {
        let others: String = others.iter().map(|check| format!("{check}?;\n")).collect();
        out.push_str(&format!("\nfn check(&self) -> Result<(), Error> {{\n{others}{last}\n}}\n"));
    }
    out.push_str("}\n\n");
    out
}

fn paged(action: &Action, page: &Paging) -> String {
    let required = action.request.member("Offset").is_some_and(|member| member.required);
    let (size, turn, total) = match page.by {
        PagedBy::Token => (
            "max_results",
            "let more = page::by_token(&mut self.next_token, answer.next_token);\n".to_string(),
            "",
        ),
        PagedBy::Offset => {
            let arguments = format!("answer.{}.len(), answer.total_count", page.items);
            let turn = if required {
                format!(
                    "let mut offset = Some(self.offset);\nlet more = page::by_offset(&mut offset, {arguments});\n\
                     self.offset = offset.unwrap_or(self.offset);\n"
                )
            } else {
                format!("let more = page::by_offset(&mut self.offset, {arguments});\n")
            };
            ("limit", turn, ".total(answer.total_count)")
        }
    };
    let call = if required {
        "Call::new(config, self.clone(), seed)\n".to_string()
    } else {
        let max = page.max;
        format!(
            "let mut page = self.clone();\npage.{size}.get_or_insert({max});\nCall::new(config, page, seed)\n"
        )
    };
    format!(
        "impl Paged for {0} {{\ntype Item = {1};\ntype Call = Call<Self>;\ntype Answer = {0}Response;\n\n\
         fn call(&self, config: &Config, seed: u64) -> Call<Self> {{\n{call}}}\n\n\
         fn turn(&mut self, answer: {0}Response) -> Page<{1}> {{\n{turn}Page::new(answer.{2}, more){total}\n}}\n}}\n\n",
        action.name, page.item, page.items
    )
}

/// What every room may need to know of the service.
pub(super) fn render_service(model: &Model) -> String {
    format!(
        "//! The names of the service.\n\n\
         /// The first label of its hosts, and part of every credential scope.\n\
         pub(crate) const SERVICE: &str = \"cvm\";\n\n\
         /// The root domain of its mainland and international hosts.\n\
         pub(crate) const ROOT_DOMAIN: &str = \"tencentcloudapi.com\";\n\n\
         /// The version of the API.\npub const VERSION: &str = \"{}\";\n",
        model.version
    )
}

pub(super) fn render_index(model: &Model) -> String {
    let mut out = String::from(
        "//! The actions of the API, one module each, and the types that they share.\n//!\n\
         //! Every integer is an `i64`, whichever the specification says: it says both of one member, from action to\n\
         //! action, and the service answers -1 where there is no limit.\n\npub mod types;\n\n",
    );
    for action in &model.actions {
        out.push_str(&format!("mod {};\n", names::snake(&action.name)));
    }
    out.push('\n');
    for action in &model.actions {
        out.push_str(&format!(
            "pub use {}::{{{1}, {1}Response}};\n",
            names::snake(&action.name),
            action.name
        ));
    }
    out.push_str(
        "\nuse crate::call::ActionInfo;\npub use crate::service::VERSION;\n\n\
         /// What this build knows of an action, by its name.\npub(crate) fn find(name: &str) -> Option<ActionInfo> {\n\
         Some(match name {\n",
    );
    for action in &model.actions {
        let listing = match &action.page {
            Some(page) if page.by == PagedBy::Offset => format!(".counted(\"{}\")", page.items_wire),
            Some(page) => format!(".chained(\"{}\")", page.items_wire),
            None => String::new(),
        };
        out.push_str(&format!("\"{0}\" => ActionInfo::of::<{0}>(){listing},\n", action.name));
    }
    out.push_str("_ => return None,\n})\n}\n");
    out
}
