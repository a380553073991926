//! How to resume a job: the command, with the options that lead to the same endpoint and account.

use std::path::Path;

use crate::args::Global;

/// What is to be said of a job that has not ended.
pub(super) fn resume_later(global: &Global, journal: &Path) -> Vec<String> {
    let journal = journal.to_string_lossy();
    let words = ["cvm", "sync", "--resume", "--journal", &*journal].map(String::from);
    let command = typed(words.into_iter().chain(leading_there(global, global.region.as_deref())));
    let mut lines = vec![format!("cvm: resume it with: {command}")];
    if global.proxy.as_deref().and_then(without_password).is_some() {
        lines.push("cvm: the proxy's password is left out there: set it again".into());
    }
    lines
}

/// The command that shows a copy.
pub(super) fn look_at(global: &Global, region: &str, image_id: &str) -> String {
    let words = ["cvm", "call", "DescribeImages"].map(String::from);
    let call = typed(words.into_iter().chain(leading_there(global, Some(region))));
    // Quoted by itself: most ids need no quotes.
    format!("{call} ImageIds.0={}", typed(std::iter::once(image_id.into())))
}

/// The options that lead to the same endpoint and account.
fn leading_there<'a>(global: &'a Global, region: Option<&'a str>) -> impl Iterator<Item = String> {
    let proxy = global.proxy.as_deref();
    let options = [
        ("--profile", global.profile.clone()),
        ("--endpoint", global.endpoint.clone()),
        ("--region", region.map(Into::into)),
        ("--ca-file", global.ca_file.as_deref().map(|path| path.to_string_lossy().into_owned())),
        ("--proxy", proxy.and_then(without_password).or_else(|| global.proxy.clone())),
    ];
    options
        .into_iter()
        .flat_map(|(option, value)| value.into_iter().flat_map(|value| [option.to_owned(), value]))
}

/// As a shell reads it.
fn typed(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    // Only a zero byte cannot be quoted, and no argument has one.
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
}

/// A proxy's address without the password that is in it; `None` if there is none.
fn without_password(proxy: &str) -> Option<String> {
    // A password that nobody escaped may hold any of the marks that end an address's parts, `@` included.
    let (user, host) = proxy.rsplit_once('@')?;
    let begins = user.find("://").map_or(0, |at| at + "://".len());
    let ends = begins + user[begins..].find(':')?;
    Some(format!("{}@{host}", &user[..ends]))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::Cli;

    fn hint(options: &[&str]) -> String {
        let args = [&["cvm", "sync", "img-a", "--to", "b"], options].concat();
        resume_later(&Cli::try_parse_from(args).unwrap().global, Path::new("my job's.json")).join("\n")
    }

    #[test]
    fn the_command_repeats_what_was_given_and_leads_there() {
        assert_eq!(hint(&[]), "cvm: resume it with: cvm sync --resume --journal \"my job's.json\"");
        let options =
            ["--profile", "prod", "--endpoint", "http://h:1", "--region", "r", "--ca-file", "a b.pem"];
        let hint = hint(&options);
        let command = hint.strip_prefix("cvm: resume it with: ").unwrap();
        let words = shlex::split(command).unwrap();
        assert_eq!(words[..5], ["cvm", "sync", "--resume", "--journal", "my job's.json"]);
        assert_eq!(words[5..], options);
    }

    #[test]
    fn a_proxys_password_is_not_repeated() {
        for proxy in
            ["http://u:pass@h:3128", "u:pass@h:3128", "http://u:pa/ss@pass?@h:3128", "http://u:@h:3128"]
        {
            let hint = hint(&["--proxy", proxy]);
            assert!(!hint.contains("pass@") && !hint.contains("ss@"), "{hint}");
            assert!(hint.contains("u@h:3128") && hint.contains("set it again"), "{hint}");
        }
        for proxy in ["http://h:3128", "http://u@h:3128", "none"] {
            let hint = hint(&["--proxy", proxy]);
            assert!(hint.ends_with(&format!("--proxy {proxy}")), "{hint}");
        }
    }
}
