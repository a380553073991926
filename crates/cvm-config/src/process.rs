//! A command that prints a credential.
//!
//! It runs in a thread of its own: the machine looks now and then whether it is done, so that no poll blocks whoever
//! drives it.

use std::borrow::ToOwned;
use std::boxed::Box;
use std::convert::Infallible;
use std::fmt;
use std::format;
use std::io::ErrorKind;
use std::mem;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::string::String;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::vec::Vec;

use cvm_proto::credential::{Fetch, FetchContext, Found, Lease, Provider, ready};
use cvm_proto::{Credential, Error, Machine, Now, Reply, Step, input};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::origin::Origin;
use crate::time::seconds;

/// The longest time that the command may take.
const MAX_RUNTIME: Duration = Duration::from_secs(60);
/// The most that it may print, in bytes.
const MAX_OUTPUT_BYTES: u64 = 64 << 10;
/// How often the thread looks whether the command has ended.
const EXIT_POLL_EVERY: Duration = Duration::from_millis(2);
/// The first and the longest pause between two looks whether it is done.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(100));

/// A command that prints a credential as JSON.
///
/// An object with the id, the key, and for a temporary credential its token and its end, by the names that the files and
/// answers around Tencent Cloud have, or those of the AWS tools:
///
/// | | names |
/// |---|---|
/// | id | `SecretId`, `TmpSecretId`, `secretId`, `AccessKeyId` |
/// | key | `SecretKey`, `TmpSecretKey`, `secretKey`, `SecretAccessKey` |
/// | token | `Token`, `token`, `SessionToken` |
/// | end | `ExpiredTime`, `expiresAt` (seconds since 1970), `Expiration` (those, or `2026-01-31T12:00:00Z`) |
///
/// It has 60 seconds. What it writes to stderr goes to this process's stderr, and into no error.
pub(crate) struct Process {
    command: Vec<String>,
    origin: Origin,
    limit: Duration,
}

impl Process {
    pub(crate) fn new(command: Vec<String>, origin: Origin) -> Self {
        Self { command, origin, limit: MAX_RUNTIME }
    }

    /// Another time limit.
    #[cfg(all(test, unix))]
    fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Arguments may be secrets.
        f.debug_struct("Process").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Provider for Process {
    fn fetch(&self, _: &FetchContext) -> Fetch {
        let (command, limit) = (self.command.clone(), self.limit);
        let (program, origin) = (Arc::new(Mutex::new(Program::NotStarted)), self.origin.clone());
        let thread = thread::Builder::new().name("cvm-credential-process".into());
        let shared = Arc::clone(&program);
        match thread.spawn(move || run(&command, limit, &shared)) {
            Ok(thread) => Box::new(Running { thread: Some(thread), pause: PAUSES.0, program, origin }),
            Err(error) => ready(Err(blame(&self.origin, &format!("gets no thread: {error}")))),
        }
    }
}

/// The error about `what`, which goes on from "the credential process".
fn blame(origin: &Origin, what: &str) -> Error {
    origin.blame(&Error::credential(format!("the credential process {what}")))
}

struct Running {
    /// `None` once it has been joined.
    thread: Option<JoinHandle<Result<Lease, String>>>,
    pause: Duration,
    program: Arc<Mutex<Program>>,
    origin: Origin,
}

/// The command, which the thread that waits for it shares with whoever may give it up.
enum Program {
    NotStarted,
    Started(Child),
    GivenUp,
}

fn lock(program: &Mutex<Program>) -> MutexGuard<'_, Program> {
    program.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the command if it has not ended by itself.
fn give_up(program: &Mutex<Program>) {
    if let Program::Started(mut child) = mem::replace(&mut *lock(program), Program::GivenUp) {
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Running {
    /// A call whose time is over leaves no command behind.
    fn drop(&mut self) {
        give_up(&self.program);
    }
}

impl Machine for Running {
    type Output = Result<Found, Error>;
    type Progress = Infallible;

    fn poll(&mut self, now: Now) -> Step<Self::Output> {
        let thread = self.thread.take().expect("a fetch was polled after its end");
        if !thread.is_finished() {
            self.thread = Some(thread);
            let at = now.mono + self.pause;
            self.pause = (self.pause * 2).min(PAUSES.1);
            return Step::WaitUntil(at);
        }
        let result = thread.join().unwrap_or_else(|_| Err("could not be waited for: try again".into()));
        Step::Done(result.map(Found::Lease).map_err(|what| blame(&self.origin, &what)))
    }

    fn reply(&mut self, _now: Now, _reply: Reply) {}
}

/// Runs the command to its end. An error goes on from "the credential process".
fn run(command: &[String], limit: Duration, program: &Mutex<Program>) -> Result<Lease, String> {
    let deadline = Instant::now() + limit;
    let output = start(command, program).and_then(|stdout| output(stdout, program, deadline)).and_then(
        |(status, bytes)| {
            if status.success() { Ok(bytes) } else { Err(format!("failed ({status}): {}", advice(command))) }
        },
    );
    if output.is_err() {
        give_up(program);
    }
    lease(&output.map_err(|what| what.replace("{limit}", &shown(limit)))?)
}

/// A limit in words: minutes, or what is no number of them.
fn shown(limit: Duration) -> String {
    match limit.as_secs() {
        seconds @ 1.. if seconds % 60 == 0 => format!("{}m", seconds / 60),
        _ => format!("{limit:?}"),
    }
}

/// Starts the command, unless it has been given up already.
fn start(command: &[String], program: &Mutex<Program>) -> Result<ChildStdout, String> {
    let (name, arguments) = command.split_first().ok_or("has no name: write a command")?;
    let mut program = lock(program);
    if matches!(*program, Program::GivenUp) {
        return Err(given_up());
    }
    let mut child = Command::new(name)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|error| not_started(name, error.kind()))?;
    let stdout = child.stdout.take();
    *program = Program::Started(child);
    stdout.ok_or_else(|| "has no output".into())
}

/// Why the program of this name did not start. It is often the first word of a line that a shell would have read.
fn not_started(name: &str, why: ErrorKind) -> String {
    let what = match why {
        ErrorKind::NotFound => {
            "there is no such program: name one in PATH, or write its whole path (no shell reads the line)"
                .into()
        }
        ErrorKind::PermissionDenied => "this user may not run it: look at its mode".into(),
        why => format!("{why}: run it by hand to see why"),
    };
    format!("`{}` cannot be started: {what}", name.escape_debug())
}

/// What to do about a command that ended with an error.
fn advice(command: &[String]) -> String {
    // Nothing else of the command is shown: it may be a secret.
    const OF_SHELLS: [&str; 10] = ["|", "||", "&", "&&", ";", ">", ">>", "<", "2>", "2>&1"];
    let given = |mark: &&str| command.iter().any(|word| word == mark);
    match OF_SHELLS.iter().find(|mark| given(mark)) {
        Some(mark) => format!("no shell reads the line, so that `{mark}` is an argument: name a script"),
        None => "run it by hand to see why".into(),
    }
}

/// Nobody is there any more to hear it.
fn given_up() -> String {
    "was given up".into()
}

/// How the command ended, and what it printed.
fn output(
    stdout: ChildStdout,
    program: &Mutex<Program>,
    deadline: Instant,
) -> Result<(ExitStatus, Zeroizing<Vec<u8>>), String> {
    let left = || deadline.saturating_duration_since(Instant::now());
    let late = || "is not done after {limit}: see what holds it up".to_owned();
    // A child of the command may keep the pipe open for ever; then this thread stays with it.
    let reader = thread::spawn(move || cvm_files::read_all(stdout, MAX_OUTPUT_BYTES).map(Zeroizing::new));
    while !reader.is_finished() {
        if left().is_zero() {
            return Err(late());
        }
        thread::sleep(EXIT_POLL_EVERY);
    }
    let bytes = match reader.join() {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) if error.kind() == ErrorKind::FileTooLarge => {
            return Err("prints more than a credential".into());
        }
        Ok(Err(error)) => return Err(format!("has an output that cannot be read: {error}")),
        Err(_) => return Err("has an output that cannot be read".into()),
    };
    let status = loop {
        let waited = match &mut *lock(program) {
            Program::Started(child) => child.try_wait(),
            Program::NotStarted | Program::GivenUp => return Err(given_up()),
        };
        match waited {
            Ok(Some(status)) => break status,
            Ok(None) if left().is_zero() => return Err(late()),
            Ok(None) => thread::sleep(EXIT_POLL_EVERY),
            Err(error) => return Err(format!("cannot be waited for: {error}")),
        }
    };
    Ok((status, bytes))
}

/// The credential in what the command printed. No part of it gets into an error.
fn lease(output: &[u8]) -> Result<Lease, String> {
    let value: Value = input::json(output).map_err(|error| {
        format!("prints what {} (line {}): let it print a JSON object in UTF-8", error.what(), error.line())
    })?;
    let text = |names: &[&str]| {
        input::trim(names.iter().find_map(|name| value.get(name)?.as_str()).unwrap_or_default())
    };
    let id = text(&["SecretId", "TmpSecretId", "secretId", "AccessKeyId"]);
    let key = text(&["SecretKey", "TmpSecretKey", "secretKey", "SecretAccessKey"]);
    let token = text(&["Token", "token", "SessionToken"]);
    if id.is_empty() || key.is_empty() {
        return Err("prints no credential: let it print an object with SecretId and SecretKey".into());
    }
    let credential = Credential::new(id, key).and_then(|credential| credential.with_token(token));
    let credential =
        credential.map_err(|error| format!("prints a credential that is none: {}", error.message()))?;
    let end = ["ExpiredTime", "expiresAt", "Expiration"].iter().find_map(|name| value.get(name));
    let expires = match end {
        None | Some(Value::Null) => None,
        Some(end) => Some(seconds(end).ok_or(
            "prints an end that is no time: write Expiration as `2026-01-31T12:00:00Z`, or in seconds since 1970",
        )?),
    };
    Ok(Lease { credential, expires })
}

// What is run is shell commands.
#[cfg(all(test, unix))]
mod tests {
    use std::string::ToString;
    use std::vec;

    use super::*;

    /// Runs a shell command to the end of its machine.
    fn outcome(script: &str, limit: Duration) -> Result<Lease, String> {
        let command = vec!["sh".into(), "-c".into(), script.into()];
        let provider =
            Process::new(command, Origin::Variable("TENCENTCLOUD_CREDENTIAL_PROCESS")).limit(limit);
        assert!(!format!("{provider:?}").contains("hidden"));
        let (mut fetch, start) = (provider.fetch(&FetchContext::new(0)), Instant::now());
        loop {
            let polled = Instant::now();
            match fetch.poll(Now::new(0, start.elapsed())) {
                Step::Done(Ok(Found::Lease(lease))) => return Ok(lease),
                Step::Done(Ok(Found::Nothing(what))) => panic!("{what}"),
                Step::Done(Err(error)) => {
                    let shown = format!("{error} {error:?}");
                    assert!(!shown.contains("hidden"), "{shown}");
                    assert!(error.message().starts_with("TENCENTCLOUD_CREDENTIAL_PROCESS: "), "{error}");
                    return Err(error.to_string());
                }
                Step::WaitUntil(at) => {
                    assert!(polled.elapsed() < Duration::from_millis(500), "a poll does not wait");
                    thread::sleep(at.saturating_sub(start.elapsed()));
                }
                step => panic!("{step:?}"),
            }
        }
    }

    #[test]
    fn what_it_prints_is_the_credential() {
        let long = Duration::from_secs(30);
        for (script, token, expires) in [
            (r#"echo '{"SecretId":"AKIDp","SecretKey":"hidden"}'"#, None, None),
            (
                r#"echo '{"Version":1,"AccessKeyId":"AKIDp","SecretAccessKey":"hidden","SessionToken":"t","Expiration":"2026-01-31T12:00:00Z"}'"#,
                Some("t"),
                Some(1_769_860_800),
            ),
            (r#"printf '\357\273\277{"SecretId":" AKIDp\\n","SecretKey":"hidden\\r\\n"}\r\n'"#, None, None),
            (
                r#"echo noise >&2; echo '{"TmpSecretId":"AKIDp","TmpSecretKey":"hidden","Token":"t","ExpiredTime":1769860800}'"#,
                Some("t"),
                Some(1_769_860_800),
            ),
        ] {
            let lease = outcome(script, long).unwrap();
            assert_eq!(lease.credential.secret_id(), "AKIDp");
            assert_eq!((lease.credential.token(), lease.expires), (token, expires), "{script}");
        }
    }

    #[test]
    fn a_command_that_nobody_waits_for_any_more_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let script = format!("echo $$ > {0}.new && mv {0}.new {0} && exec sleep 600", file.display());
        let command = vec!["sh".into(), "-c".into(), script];
        let fetch = Process::new(command, Origin::Given).fetch(&FetchContext::new(0));
        let pid = loop {
            match std::fs::read_to_string(&file) {
                Ok(pid) => break pid.trim().to_owned(),
                Err(_) => thread::sleep(EXIT_POLL_EVERY),
            }
        };
        let is_there = || Command::new("kill").args(["-0", &pid]).stderr(Stdio::null()).status().unwrap();
        assert!(is_there().success());
        drop(fetch);
        assert!(!is_there().success(), "{pid} still runs");
        // Nor is one started that was given up before.
        let fresh = Mutex::new(Program::GivenUp);
        let what = run(&["no-such-program-here".into()], MAX_RUNTIME, &fresh).unwrap_err();
        assert_eq!(what, "was given up");
    }

    #[test]
    fn what_can_go_wrong_is_said_without_what_it_printed() {
        let long = Duration::from_secs(30);
        for (script, part) in [
            ("echo hidden", "not JSON (line 1)"),
            ("echo '[\"hidden\"]'", "no credential"),
            ("printf '\\377\\376{\\0'", "is UTF-16 (line 1)"),
            ("printf '{\\n\\276\\265}'", "is not UTF-8 (line 2)"),
            ("true", "is empty (line 1)"),
            (
                r#"printf %s '{"SecretId":"AKIDp","SecretKey":"hid\u200bden"}'"#,
                "secret_key contains what is not",
            ),
            (
                r#"printf %s '{"SecretId":"AKID\u5bc6","SecretKey":"hidden"}'"#,
                "secret_id contains what is not",
            ),
            (
                r#"printf %s '{"SecretId":"AKIDp","SecretKey":"hidden","Token":"hid\r\nden"}'"#,
                "token contains",
            ),
            (r#"echo '{"SecretId":"AKIDp","SecretKey":""}'"#, "no credential"),
            (r#"echo '{"SecretId":"AKIDp","SecretKey":"hid den"}'"#, "white space"),
            (r#"echo '{"SecretId":"AKIDp","SecretKey":"hidden","Expiration":"soon"}'"#, "no time"),
            ("echo hidden >&2; exit 3", "exit status: 3"),
            ("yes hidden", "more than a credential"),
        ] {
            let error = outcome(script, long).unwrap_err();
            assert!(error.contains(part), "{script}: {error}");
        }
        let error = outcome("exec sleep 600", Duration::from_millis(300)).unwrap_err();
        assert!(error.contains("not done after 300ms"), "{error}");
        // A pipe is none without a shell.
        let words = ["sh", "-c", "exit 1", "hidden", "|", "cat"].map(String::from);
        let error = run(&words, long, &Mutex::new(Program::NotStarted)).unwrap_err();
        assert_eq!(
            error,
            "failed (exit status: 1): no shell reads the line, so that `|` is an argument: name a script"
        );
        let missing = Process::new(vec!["no-such-program-here".into()], Origin::Given);
        assert!(
            run(&missing.command, long, &Mutex::new(Program::NotStarted))
                .unwrap_err()
                .contains("`no-such-program-here` cannot be started")
        );
    }
}
