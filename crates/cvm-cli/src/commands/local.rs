//! `cvm local`: the embedded endpoint as a server; and the one inside the process, for `--local`.

use std::path::Path;
use std::time::Duration;

use cvm_files::{Access, RealFile};
use cvm_local::{Clock, CvmLocal, Seed};
use serde_json::json;

use crate::args::{Global, LocalArgs, Output};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{input, output, signals};

/// How fast images' time runs for `--local`: a copy takes seconds.
const EMBEDDED_SPEED: f64 = 5.0;

/// An endpoint that lives as long as the command.
pub(crate) fn embedded() -> Result<CvmLocal, Failure> {
    let started = CvmLocal::builder().clock(Clock::scaled(EMBEDDED_SPEED)).start();
    started.map_err(|error| Failure::other(format!("cannot start the embedded endpoint: {error}")))
}

/// Runs the endpoint until the program is asked to end.
pub(crate) fn run(global: &Global, args: &LocalArgs) -> Result<Exit, Failure> {
    let signals = signals::listen(|| (), |lines| lines.iter().for_each(output::note), None, Vec::new)?;
    let local = start(args)?;
    let authority = match (&args.tls_ca, local.ca_pem()) {
        (Some(file), Some(pem)) => {
            Some(Written::new(file, pem, Access::Public, "the certificate authority's file")?)
        }
        _ => None,
    };
    let mut facts = json!({
        "endpoint": local.endpoint(),
        "secret_id": local.secret_id(),
        "secret_key": local.secret_key(),
    });
    if let Some(pem) = local.ca_pem() {
        facts["ca_pem"] = pem.into();
    }
    if let Some(file) = args.tls_ca.as_ref().filter(|_| authority.is_some()) {
        let file = std::path::absolute(file).unwrap_or_else(|_| file.clone());
        facts["ca_file"] = file.to_string_lossy().into();
    }
    match global.format() {
        Output::Json => output::json_line(&facts)?,
        Output::Table | Output::Text => {
            output::lines(format_args!(
                "# An embedded CVM endpoint for trials and tests. Ctrl-C ends it.\n\
                 export TENCENTCLOUD_ENDPOINT={0}\n\
                 export TENCENTCLOUD_STS_ENDPOINT={0}\n\
                 export TENCENTCLOUD_METADATA_ENDPOINT={0}\n\
                 export TENCENTCLOUD_SECRET_ID={1}\n\
                 export TENCENTCLOUD_SECRET_KEY={2}\n\
                 export TENCENTCLOUD_REGION=ap-shanghai",
                local.endpoint(),
                local.secret_id(),
                local.secret_key()
            ))?;
            if let Some(file) = facts["ca_file"].as_str() {
                output::line(format_args!("# Trust the authority in {file}"))?;
            } else if let Some(pem) = local.ca_pem() {
                output::lines(format_args!("# Trust this authority:\n{}", pem.trim_end()))?;
            }
        }
    }
    let ready = match args.ready_file.as_deref() {
        Some(file) => Some(Written::new(file, &format!("{facts}\n"), Access::Private, "the ready file")?),
        None => None,
    };
    signals.wait();
    drop((ready, authority));
    local.shutdown().map_err(|error| Failure::other(format!("the endpoint ended before: {error}")))?;
    Ok(Exit::Done)
}

fn start(args: &LocalArgs) -> Result<CvmLocal, Failure> {
    let mut builder = CvmLocal::builder()
        .port(args.port)
        .clock(if args.speed == 0.0 { Clock::stepped() } else { Clock::scaled(args.speed) })
        .skip_checks(args.skip_checks.iter().copied());
    if let Some(file) = &args.seed {
        builder = builder.seed(seed(file)?);
    }
    if let Some(file) = &args.state {
        builder = builder.state_file(file);
    }
    if args.tls {
        builder = builder.tls();
    }
    builder.start().map_err(|error| {
        Failure::other(format!("cannot start the endpoint on port {} of 127.0.0.1: {error}", args.port))
    })
}

fn seed(file: &Path) -> Result<Seed, Failure> {
    let text = input::text("--seed", file)?;
    Seed::parse(&text).map_err(|error| Failure::usage(format!("--seed: {}: {error}", file.display())))
}

/// How long another endpoint that writes the same file is waited for.
const GIVE_UP_AFTER: Duration = Duration::from_secs(10);

/// A file for as long as the endpoint answers; gone with it.
struct Written {
    file: RealFile,
    text: String,
}

impl Written {
    /// Writes the file in one step: a reader finds all of it, or none.
    fn new(path: &Path, text: &str, access: Access, what: &str) -> Result<Self, Failure> {
        let written = RealFile::resolve(path).and_then(|file| {
            file.clone().lock(GIVE_UP_AFTER)?.replace(text.as_bytes(), access)?;
            Ok(Self { file, text: text.to_owned() })
        });
        written.map_err(|error| Failure::other(format!("cannot write {what} {}: {error}", path.display())))
    }
}

impl Drop for Written {
    /// Removes the file, unless another endpoint has written its own in its place.
    fn drop(&mut self) {
        let Ok(locked) = self.file.clone().lock(GIVE_UP_AFTER) else { return };
        let limit = u64::try_from(self.text.len()).unwrap_or(u64::MAX);
        if locked.read(limit).is_ok_and(|text| text.as_deref() == Some(self.text.as_bytes())) {
            // A file that stays does no harm.
            let _ = locked.remove();
        }
    }
}
