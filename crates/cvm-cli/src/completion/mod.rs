//! What a shell asks for while somebody types: names of actions, parameters, regions, profiles and jobs.
//!
//! The script that `cvm completions` prints starts this program with [`VARIABLE`] set, and the words of the line. Nothing
//! is sent, nothing is said on stderr, and whatever cannot be found out is passed over.

mod parameters;

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::Path;

use clap::{Arg, Command, CommandFactory};
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter, CompletionCandidate};
use clap_complete::env::Shells;

use crate::args::Cli;
use crate::catalogue::{Catalogue, summary};
use crate::failure::Failure;
use crate::{journals, output};

/// What names the shell that asks.
const VARIABLE: &str = "COMPLETE";

/// Answers a shell that asks for completions. `false` if this is a run of the command.
pub(crate) fn answer(args: &[OsString]) -> bool {
    let Some(shell) = std::env::var_os(VARIABLE) else { return false };
    let name = Path::new(&shell).file_stem().unwrap_or_default().to_string_lossy();
    let shells = Shells::builtins();
    let Some(shell) = shells.completer(&name) else { return false };
    let mut text = Vec::new();
    match args {
        [_, separator, first, more @ ..] if separator == "--" => {
            let words: Vec<OsString> = [first].into_iter().chain(more).cloned().collect();
            let mut command = command(&words);
            let folder = std::env::current_dir().ok();
            // A word that nothing is known of, or that the line does not have.
            let _ = shell.write_complete(&mut command, words, folder.as_deref(), &mut text);
        }
        [_, separator] if separator == "--" => {}
        [] | [_] => match script(&name, args.first().map(OsString::as_os_str)) {
            Ok(script) => text = script.into_bytes(),
            Err(_) => return false,
        },
        _ => return false,
    }
    // A shell that went away wants no answer.
    let _ = std::io::stdout().write_all(&text);
    true
}

/// The script for a shell. It starts the program that is named: one that was found by its path, by that path.
pub(crate) fn script(shell: &str, program: Option<&OsStr>) -> Result<String, Failure> {
    let program = program.map_or_else(|| Path::new("cvm"), Path::new);
    let program = if program.components().count() > 1 {
        std::path::absolute(program).unwrap_or_else(|_| program.to_owned())
    } else {
        program.to_owned()
    };
    let unknown = || Failure::usage(format!("there are no completions for {shell}"));
    let shells = Shells::builtins();
    let completer = shells.completer(shell).ok_or_else(unknown)?;
    let mut script = Vec::new();
    completer
        .write_registration(VARIABLE, "cvm", "cvm", &program.to_string_lossy(), &mut script)
        .map_err(|error| Failure::other(format!("cannot write the script: {error}")))?;
    let script = String::from_utf8_lossy(&script).into_owned();
    // After `KEY=` and `KEY.` the word goes on; both shells would begin the next one.
    Ok(match shell {
        "bash" => script
            .replace("[=/:]$", "[=/:.]$")
            .replace(BASH_WORDS, BASH_WHOLE_WORDS)
            .replace(BASH_REPLY, BASH_QUOTED_REPLY),
        "zsh" => script.replace(ZSH_WORDS, ZSH_WORDS_AND_PARTS),
        _ => script,
    })
}

const BASH_WORDS: &str = "    local words=(\"${COMP_WORDS[@]}\")
    if [[ \"${BASH_VERSINFO[0]}\" -ge 4 ]]; then
        words[COMP_CWORD]=\"$2\"
    fi
";

/// Bash parts words at `=` and `:` as well: what stands together in the line is put together again. `$2` is what a reply takes
/// the place of, so `kept` is what stands before it in its word.
const BASH_WHOLE_WORDS: &str = r#"    local words=() line="$COMP_LINE" last=-1 typed="${2//\\/}" kept="" i word space
    for i in "${!COMP_WORDS[@]}"; do
        word="${COMP_WORDS[i]}"
        space="${line%%[![:space:]]*}"
        line="${line#"$space"}"
        line="${line#"$word"}"
        if [[ $i == "$COMP_CWORD" && $word != [=:]* ]]; then word="$typed"; fi
        if [[ $last -ge 0 && -z $space ]]; then
            words[last]+="$word"
        else
            last=$((last + 1))
            words[last]="$word"
        fi
        if [[ $i == "$COMP_CWORD" ]]; then
            _CLAP_COMPLETE_INDEX=$last
            kept="${words[last]%"$typed"}"
        fi
    done
"#;

const BASH_REPLY: &str = "        unset COMPREPLY
";

/// A reply without what is kept, and as the shell has to read it.
const BASH_QUOTED_REPLY: &str = r#"        unset COMPREPLY
    fi
    for i in "${!COMPREPLY[@]}"; do
        word="${COMPREPLY[i]#"$kept"}"
        if [[ $word == *[[:space:]\\\'\"\$\`\&\;\|\<\>\(\)]* && ${COMP_WORDS[COMP_CWORD]} != [\"\']* ]]; then
            printf -v word %q "$word"
        fi
        COMPREPLY[i]="$word"
    done
    if [[ -z "${COMPREPLY-}" ]]; then
        :
"#;

const ZSH_WORDS: &str = "[[ -n $other ]] && _describe -V 'values' other\n";

const ZSH_WORDS_AND_PARTS: &str = "\
local -a parts=() whole=()
        for completion in $other; do
            if [[ \"${completion%%:*}\" == *[=.] ]]; then parts+=(\"$completion\"); else whole+=(\"$completion\"); fi
        done
        [[ -n $parts ]] && _describe -V 'values' parts -S ''
        [[ -n $whole ]] && _describe -V 'values' whole
";

/// The command line, with what completes the words that only this program knows.
fn command(words: &[OsString]) -> Command {
    let values = |arg: Arg, find: fn() -> Vec<CompletionCandidate>| arg.add(ArgValueCandidates::new(find));
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let parameters = ArgValueCompleter::new(move |typed: &OsStr| {
        typed.to_str().map(|typed| parameters::complete(&words, typed)).unwrap_or_default()
    });
    let completed = parameters.clone();
    Cli::command()
        .mut_arg("profile", |arg| values(arg, profiles))
        .mut_arg("region", |arg| values(arg, regions))
        .mut_arg("language", |arg| values(arg, || of(["zh-CN", "en-US"])))
        .mut_subcommand("sync", |sync| {
            sync.mut_arg("images", |arg| values(arg, images))
                .mut_arg("from", |arg| values(arg, regions))
                .mut_arg("to", |arg| values(arg, destinations))
                .mut_arg("except", |arg| values(arg, regions))
                .mut_arg("resume", |arg| values(arg, open_jobs))
        })
        .mut_subcommand("jobs", |jobs| {
            jobs.mut_subcommand("forget", |forget| forget.mut_arg("id", |arg| values(arg, jobs_with_ids)))
        })
        .mut_subcommand("images", |images| images.mut_arg("regions", |arg| values(arg, regions)))
        .mut_subcommand("quota", |quota| quota.mut_arg("regions", |arg| values(arg, regions)))
        .mut_subcommand("describe", |describe| describe.mut_arg("action", |arg| values(arg, actions)))
        .mut_subcommand("call", |call| {
            call.mut_arg("action", |arg| values(arg, actions))
                .mut_arg("parameters", |arg| arg.add(completed.clone()))
        })
        .mut_subcommand("sign", |sign| {
            let methods = || of(["TC3-HMAC-SHA256", "HmacSHA256", "HmacSHA1"]);
            sign.mut_arg("action", |arg| values(arg, actions))
                .mut_arg("parameters", |arg| arg.add(parameters.clone()))
                .mut_arg("sign_method", |arg| values(arg, methods))
        })
}

fn of<const N: usize>(words: [&str; N]) -> Vec<CompletionCandidate> {
    words.into_iter().map(CompletionCandidate::new).collect()
}

fn with_help(word: impl Into<OsString>, help: &str) -> CompletionCandidate {
    CompletionCandidate::new(word).help(Some(output::escaped(help).into_owned().into()))
}

fn actions() -> Vec<CompletionCandidate> {
    let catalogue = Catalogue::load();
    catalogue.actions().map(|(name, action)| with_help(name, summary(&action.doc))).collect()
}

/// The regions that the service lists, and the one that is set.
fn regions() -> Vec<CompletionCandidate> {
    let mut regions: Vec<_> = cvm_local::regions().map(|(id, name)| with_help(id, name)).collect();
    let set = cvm_config::Loader::new().load().ok().and_then(|loaded| loaded.settings.region);
    if let Some(set) = set.filter(|set| cvm_local::regions().all(|(id, _)| id != set)) {
        regions.push(CompletionCandidate::new(set));
    }
    regions
}

/// Where images can be sent to.
fn destinations() -> Vec<CompletionCandidate> {
    let mut destinations = regions();
    destinations.push(with_help("all", "every available region"));
    destinations
}

fn profiles() -> Vec<CompletionCandidate> {
    let names = cvm_config::Loader::new().profiles().unwrap_or_default();
    names.into_iter().map(CompletionCandidate::new).collect()
}

fn jobs_with_ids() -> Vec<CompletionCandidate> {
    jobs(|_| true)
}

fn open_jobs() -> Vec<CompletionCandidate> {
    jobs(journals::StoredJob::is_open)
}

fn jobs(wanted: impl Fn(&journals::StoredJob) -> bool) -> Vec<CompletionCandidate> {
    let jobs = journals::list().unwrap_or_default().into_iter().filter(wanted);
    jobs.map(|job| match &job.stored {
        Ok(state) => {
            with_help(job.id, &format!("{} to {}", state.images().join(", "), state.regions().join(", ")))
        }
        Err(_) => CompletionCandidate::new(job.id),
    })
    .collect()
}

/// The images of the jobs that are known.
fn images() -> Vec<CompletionCandidate> {
    let mut images: Vec<String> = Vec::new();
    for state in journals::list().unwrap_or_default().into_iter().filter_map(|job| job.stored.ok()) {
        images.extend(state.images().iter().cloned());
    }
    images.sort_unstable();
    images.dedup();
    images.into_iter().map(CompletionCandidate::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_go_on_are_left_open() {
        let bash = script("bash", None).unwrap();
        for part in ["[=/:.]$", BASH_WHOLE_WORDS, BASH_QUOTED_REPLY] {
            assert!(bash.contains(part), "{part}");
        }
        assert!(script("zsh", None).unwrap().contains(ZSH_WORDS_AND_PARTS));
    }

    #[test]
    fn a_program_that_was_named_by_its_path_is_started_by_it() {
        let program = |named: &str| script("bash", Some(OsStr::new(named))).unwrap();
        let here = std::env::current_dir().unwrap().join("bin/cvm");
        assert!(program("bin/cvm").contains(here.to_str().unwrap()));
        assert!(program("cvm").contains("\"cvm\" --"));
        assert!(script("tcsh", None).is_err());
    }
}
