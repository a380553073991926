//! Running the program.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use cvm_local::CvmLocal;

/// The program with these arguments, and none of the caller's settings.
pub(crate) fn cvm(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cvm"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, _) in std::env::vars_os() {
        let prefixes = ["TENCENTCLOUD_", "TCCLI_", "TKE_"];
        let proxies = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"];
        let shown = name.to_string_lossy();
        if prefixes.iter().any(|prefix| shown.starts_with(prefix))
            || proxies.contains(&&*shown.to_uppercase())
        {
            command.env_remove(name);
        }
    }
    // Nor has the user any files, and the machine any role.
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nobody");
    command.env("HOME", &home).env("USERPROFILE", &home).env("TENCENTCLOUD_INSTANCE_ROLE", "off");
    // The jobs that a test leaves behind are no user's.
    command.env("XDG_STATE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("state"));
    command
}

/// A folder of one test's own, removed at its end.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(test: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The program with what leads it to an endpoint inside the test.
pub(crate) fn at(local: &CvmLocal, args: &[&str]) -> Command {
    let mut command = cvm(args);
    command.env("TENCENTCLOUD_ENDPOINT", local.endpoint());
    command.env("TENCENTCLOUD_SECRET_ID", local.secret_id());
    command.env("TENCENTCLOUD_SECRET_KEY", local.secret_key());
    command.env("TENCENTCLOUD_REGION", "ap-shanghai");
    command
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// What stdout holds as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The same, if the run was to end with this code.
    pub(crate) fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs the program to its end.
pub(crate) fn run(args: &[&str]) -> Ran {
    cvm(args).output().unwrap().into()
}

/// Runs a program with this on its stdin.
pub(crate) fn feed(command: &mut Command, input: impl AsRef<[u8]>) -> Ran {
    let mut child: Child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.as_ref().to_owned();
    // The program may answer before it has read all: both pipes have to move.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let ran = child.wait_with_output().unwrap().into();
    // A program that ends before it has read all is judged by its answer.
    let _ = writer.join().unwrap();
    ran
}
