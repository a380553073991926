//! The command line.

// The comments on the options are what `--help` prints, where back-ticks would be noise.
#![allow(clippy::doc_markdown)]

mod config;
mod image;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use cvm_local::Check;
use cvm_proto::SignMethod;

use crate::connect;
use crate::failure::Failure;
pub(crate) use config::{ConfigCommand, ConfigureArgs};

pub(crate) use image::{Conflicts, ImageKind, ImagesArgs, JobsArgs, JobsCommand, QuotaArgs, SyncArgs};

const ABOUT: &str = "Copies Tencent Cloud CVM images to other regions, calls any action, explains signatures";

// Help is wrapped to the terminal by clap: a paragraph is one line here, and what is laid out has 80 columns at most.
pub(crate) const AFTER: &str = "\
Environment:
  TENCENTCLOUD_SECRET_ID   the credential, with the next one
  TENCENTCLOUD_SECRET_KEY
  TENCENTCLOUD_TOKEN       the token of a temporary credential
  TENCENTCLOUD_PROFILE, _REGION, _ENDPOINT, _PROXY, _CA_FILE, _LANGUAGE
                           the same as the options of these names
  XDG_STATE_HOME           where sync jobs keep their journals
  NO_COLOR                 plain output

A credential that is not in the environment comes from the profile, in ~/.tencentcloud/credentials (which cvm configure \
writes) or in the files of tccli; else from a cluster's identity (TKE_*), or from the role of the instance. \
cvm config show lists all settings.

Exit codes:
  0    done
  1    no answer, an answer that is not the service's, or a local problem
  2    a mistake in the command line or the settings; nothing was changed
  3    sync: not every destination has the image
  4    time ran out before the answer or the end of the job
  5    the service refused the request
  6    call: an expression does not fit the answer, which is printed whole
  129  stopped by a hang-up (SIGHUP)
  130  stopped by an interrupt (SIGINT, Ctrl-C)
  143  stopped by a request to end (SIGTERM)";

/// The whole command line.
#[derive(Parser)]
#[command(name = "cvm", version, about = ABOUT, after_help = AFTER, max_term_width = 120)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Args, Clone)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// The profile to take credential and settings from; no other credential is used then
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// The region that requests are sent to
    #[arg(long, global = true, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// The endpoint to send requests to, such as http://127.0.0.1:8080 [default: the public hosts]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// The proxy for every request, such as http://127.0.0.1:3128 or socks5h://127.0.0.1:1080; none turns proxies off
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) proxy: Option<String>,
    /// A PEM file of certificate authorities to trust besides the platform's
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// The language of the service's messages: zh-CN or en-US
    #[arg(long, global = true)]
    pub(crate) language: Option<String>,
    /// Uses an embedded endpoint that lives as long as the command; needs no account
    #[arg(long, global = true)]
    pub(crate) local: bool,
    /// The format of results and errors: table for people, json for programs, text for scripts, with tabs between values
    /// [default: table; json for what cvm call prints]
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    pub(crate) output: Option<Output>,
    /// Logs each request and its outcome to stderr; -vv adds URLs, headers and settings. Secrets are never shown
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Hides progress: shows only the result and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
}

impl Global {
    /// How results are written, unless a command has a usual format of its own; and errors.
    pub(crate) fn format(&self) -> Output {
        self.output.unwrap_or(Output::Table)
    }

    /// Whether a program reads stderr: it then holds errors as objects, and nothing for people.
    pub(crate) fn is_for_programs(&self) -> bool {
        self.format() == Output::Json && !io::stderr().is_terminal()
    }
}

/// How results and errors are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    // For people, with a sentence for an error.
    Table,
    // For programs, errors on stderr as well.
    Json,
    // For scripts: values separated by tabs; with a sentence for an error.
    Text,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Copies images to other regions and waits until the copies can be used
    Sync(Box<SyncArgs>),
    /// Lists the sync jobs that can be resumed
    Jobs(JobsArgs),
    /// Lists images, those of several regions side by side
    Images(ImagesArgs),
    /// Lists the regions of the service
    Regions,
    /// Shows each region's number of images and its quota
    Quota(QuotaArgs),
    /// Calls an action and prints its answer as JSON
    Call(Box<CallArgs>),
    /// Lists all actions
    Actions(ActionsArgs),
    /// Describes an action: parameters, answer, errors, an example
    Describe(DescribeArgs),
    /// Shows how a request is signed, stage by stage
    Sign(Box<SignArgs>),
    /// Writes a profile: credential, region and other settings
    Configure(ConfigureArgs),
    /// Shows settings and where they come from
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Runs the embedded endpoint until it is interrupted
    Local(LocalArgs),
    /// Prints the script by which a shell completes commands, actions, regions, profiles and jobs
    #[command(after_help = COMPLETIONS_HELP)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Prints the manual page, or writes the pages of all commands into a folder
    Man {
        /// An existing folder to write the pages of all commands into
        #[arg(long, value_name = "FOLDER")]
        dir: Option<PathBuf>,
    },
}

const COMPLETIONS_HELP: &str = "\
The script runs this program to complete a word; that reads your files and sends nothing. Load it whenever a shell \
starts, so that both have the same version:

  bash  source <(cvm completions bash)    in ~/.bashrc
  zsh   source <(cvm completions zsh)     in ~/.zshrc, after compinit
  fish  cvm completions fish | source     in ~/.config/fish/config.fish";

impl Command {
    /// Checks that options of every command have a meaning for this one.
    pub(crate) fn check(&self, global: &Global) -> Result<(), Failure> {
        if !global.local {
            return Ok(());
        }
        // The parser would see it only of options on the same side of the command's name.
        if let Some((setting, _)) =
            connect::given(global)?.into_iter().find(|(setting, _)| setting.routes_requests())
        {
            return Err(Failure::usage(format!(
                "--local cannot be used with {}: leave one of them out",
                connect::option(setting)
            )));
        }
        let without_endpoint = match self {
            Self::Sync(_)
            | Self::Images(_)
            | Self::Regions
            | Self::Quota(_)
            | Self::Call(_)
            | Self::Sign(_)
            | Self::Config(_) => {
                return Ok(());
            }
            Self::Jobs(_) => "jobs",
            Self::Actions(_) => "actions",
            Self::Describe(_) => "describe",
            Self::Configure(_) => "configure",
            Self::Local(_) => "local",
            Self::Completions { .. } => "completions",
            Self::Man { .. } => "man",
        };
        Err(Failure::usage(format!(
            "--local has no meaning for cvm {without_endpoint}, which asks no endpoint: leave it out"
        )))
    }
}

const CALL_HELP: &str = "\
Parameters:
  KEY=VALUE  a number, true, false, a JSON list or object; anything else is a
             text; one value where a list is expected is a list of one
  KEY:=JSON  exactly this JSON: ImageName:='\"2026\"' is a text

Dots lead into lists and objects: Filters.0.Name=image-type ImageIds.0=img-o3ycss2p

Examples:
  cvm call DescribeImages Filters.0.Name=image-name Filters.0.Values=golden
  echo '{\"ImageIds\": [\"img-o3ycss2p\"]}' | cvm call DescribeImages --json -
  cvm call DescribeImages --query 'ImageSet[?ImageState==`NORMAL`].ImageId'
  cvm call DescribeImages --query 'ImageSet[].[ImageId,ImageName]' --output text
  cvm call DescribeImages --all-pages --query 'ImageSet[].ImageName'
  cvm call DescribeInstances --wait \"InstanceSet[0].InstanceState=='RUNNING'\"
  cvm call RunInstances --skeleton > request.json
  cvm call --service sts GetCallerIdentity

--wait ends once its expression finds something that JMESPath counts as true: anything but false, null, and an empty \
text, list or object.";

#[derive(Args)]
#[command(after_help = CALL_HELP)]
pub(crate) struct CallArgs {
    /// The action, such as DescribeImages; this build need not know it
    pub(crate) action: String,
    /// Its parameters
    #[arg(value_name = "KEY=VALUE")]
    pub(crate) parameters: Vec<String>,
    /// Reads all parameters from a file with a JSON object; - is stdin
    #[arg(long, value_name = "FILE", conflicts_with = "parameters")]
    pub(crate) json: Option<PathBuf>,
    /// Calls another product, such as vpc or sts; nothing of its actions is checked
    #[arg(long, value_name = "NAME", conflicts_with_all = ["all_pages", "skeleton"])]
    pub(crate) service: Option<String>,
    /// With --service: the version of the product's API [default: the one known of it]
    #[arg(long, value_name = "DATE", requires = "service")]
    pub(crate) api_version: Option<String>,
    /// Prints only the part of the answer that a JMESPath expression selects, such as ImageSet[].ImageId
    #[arg(long, value_name = "JMESPATH")]
    pub(crate) query: Option<String>,
    /// Reads all pages of a list and prints them as one answer
    #[arg(long)]
    pub(crate) all_pages: bool,
    /// Repeats the call until a JMESPath expression is true of the answer, and prints that one; for actions that only read
    #[arg(long, value_name = "JMESPATH", conflicts_with = "all_pages")]
    pub(crate) wait: Option<String>,
    /// With --wait: the pause between two requests, varied by up to a quarter [default: 5s]
    #[arg(long, value_name = "TIME", requires = "wait", value_parser = pause)]
    pub(crate) every: Option<Duration>,
    /// With --wait: the longest time to wait [default: 10m]
    #[arg(long, value_name = "TIME", requires = "wait", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Option<Duration>,
    /// Shows the request instead of sending it; signatures, tokens and secrets such as passwords are hidden
    #[arg(long, conflicts_with_all = ["all_pages", "query", "wait"])]
    pub(crate) dry_run: bool,
    /// Prints a request with every parameter to fill in; sends nothing
    #[arg(long, conflicts_with_all = ["parameters", "json", "query", "all_pages", "wait", "dry_run"])]
    pub(crate) skeleton: bool,
    /// Sends the request without checking it against what this build knows of the action
    #[arg(long)]
    pub(crate) unchecked: bool,
}

#[derive(Args)]
pub(crate) struct ActionsArgs {
    /// Lists only actions with this word in their name or description
    pub(crate) word: Option<String>,
}

#[derive(Args)]
pub(crate) struct DescribeArgs {
    /// The action, such as SyncImages
    pub(crate) action: String,
}

const SIGN_HELP: &str = "\
Nothing is sent, and the secret key is never shown. To find out why a request was refused with \
AuthFailure.SignatureFailure, sign it again with its own --timestamp (v1: and --nonce), and compare stage by stage.

Examples:
  cvm sign --action DescribeImages --region ap-shanghai Limit=20
  cvm sign --action SyncImages --body request.json --timestamp 1551113065
  cvm sign --batch < requests.jsonl

Members of a line of --batch:
  action, timestamp       the request, and when it is sent, in seconds since
                          1970; required
  region, params          where it goes, and its parameters as an object
  secret_id, secret_key, token
                          the credential; where all three are left out, that of
                          the environment or the profile
  sign_method             TC3-HMAC-SHA256, HmacSHA256 or HmacSHA1
  http_method             POST or GET
  host, path, service, version
                          cvm.tencentcloudapi.com, /, cvm and 2017-03-12 if
                          left out
  body, query, headers    as they are sent, instead of params (TC3 only)
  signed_headers, unsigned_payload
                          the same as the options of these names (TC3 only)
  nonce                   the random number (v1 only)
  language, request_client
                          as they are sent
  id                      is repeated in the answer
  expected                is ignored: a place for what the stages should be";

#[derive(Args)]
#[command(after_help = SIGN_HELP)]
pub(crate) struct SignArgs {
    /// Reads requests from stdin, one JSON object per line, and answers in the same form
    #[arg(long, conflicts_with_all = [
        "action", "parameters", "body", "method", "sign_method", "timestamp", "nonce", "unsigned_payload",
        "signed_headers", "content_type", "host", "service", "api_version", "secret_id", "secret_key", "token",
        "request_client",
    ])]
    pub(crate) batch: bool,
    /// The action, such as SyncImages
    #[arg(long, required_unless_present = "batch")]
    pub(crate) action: Option<String>,
    /// Its parameters, written as for cvm call
    #[arg(value_name = "KEY=VALUE")]
    pub(crate) parameters: Vec<String>,
    /// Reads the body from a file, byte for byte, instead of parameters; - is stdin
    #[arg(long, value_name = "FILE", conflicts_with = "parameters")]
    pub(crate) body: Option<PathBuf>,
    /// The HTTP method
    #[arg(long, value_enum, ignore_case = true, default_value_t = HttpMethod::Post)]
    pub(crate) method: HttpMethod,
    /// TC3-HMAC-SHA256, HmacSHA256 or HmacSHA1
    #[arg(long, default_value_t)]
    pub(crate) sign_method: SignMethod,
    /// When the request is sent, in seconds since 1970 [default: now]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timestamp: Option<u64>,
    /// The random number of a v1 request [default: any]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) nonce: Option<u64>,
    /// Signs UNSIGNED-PAYLOAD instead of the body (TC3 only)
    #[arg(long)]
    pub(crate) unsigned_payload: bool,
    /// The headers that are signed, in their order (TC3 only) [default: what this client signs]
    #[arg(long, value_name = "NAME;...")]
    pub(crate) signed_headers: Option<String>,
    /// The Content-Type header (TC3 only) [default: the one that goes with the method]
    #[arg(long, value_name = "TYPE")]
    pub(crate) content_type: Option<String>,
    /// The host, with its port if it has one [default: that of --endpoint, or of the region]
    #[arg(long)]
    pub(crate) host: Option<String>,
    /// The service's name in the credential scope (TC3 only)
    #[arg(long, default_value = "cvm")]
    pub(crate) service: String,
    /// The version of the API
    #[arg(long, default_value = "2017-03-12", value_name = "VERSION")]
    pub(crate) api_version: String,
    /// The secret id [default: that of the environment or the profile]
    #[arg(long, value_name = "ID")]
    pub(crate) secret_id: Option<String>,
    /// The secret key [default: that of the environment or the profile, which other users of the machine cannot see]
    #[arg(long, value_name = "KEY")]
    pub(crate) secret_key: Option<String>,
    /// The token of a temporary credential [default: that of the environment or the profile]
    #[arg(long)]
    pub(crate) token: Option<String>,
    /// The tag of the calling program
    #[arg(long, value_name = "TAG")]
    pub(crate) request_client: Option<String>,
}

/// The methods that the API knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HttpMethod {
    // Parameters in the query.
    #[value(name = "GET")]
    Get,
    // Parameters in the body.
    #[value(name = "POST")]
    Post,
}

const LOCAL_HELP: &str = "\
Besides the API at /, it serves
  /healthz        ok, once it takes requests
  /_cvm-local     the admin path: reset, seed, snapshot, clock, requests, faults
  /latest         an instance's metadata: temporary credentials of its role

Examples:
  cvm local --port 8080 --state images.json
  cvm local --tls --tls-ca ca.pem --ready-file ready.json
  cvm local --skip-checks signature,content-type --log json
  curl localhost:8080/_cvm-local/faults -d '{\"effect\":\"drop-before\",\"times\":1}'";

const SEED_HELP: &str = if cfg!(feature = "yaml") {
    "What to start with, in JSON or YAML; what is left out is as in the built-in seed"
} else {
    "What to start with, in JSON; what is left out is as in the built-in seed"
};

#[derive(Args)]
#[command(after_help = LOCAL_HELP)]
pub(crate) struct LocalArgs {
    /// The port on 127.0.0.1; 0 picks a free one
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// Writes endpoint, secret_id and secret_key, with --tls also ca_pem and ca_file, as JSON into this file once it
    /// answers
    #[arg(long, value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,
    /// How fast time passes for images: at 60, a copy of a minute takes a second; 0 stops it
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR", value_parser = speed)]
    pub(crate) speed: f64,
    #[arg(long, value_name = "FILE", help = SEED_HELP)]
    pub(crate) seed: Option<PathBuf>,
    /// Keeps the state in this file, written before each answer; a file that exists takes precedence over --seed
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Serves HTTPS, with a certificate authority of its own
    #[arg(long)]
    pub(crate) tls: bool,
    /// Writes the certificate authority that clients have to trust into this file, in PEM
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub(crate) tls_ca: Option<PathBuf>,
    /// Checks to leave out, separated by commas
    #[arg(long, value_name = "CHECK,...", value_delimiter = ',', value_parser = check())]
    pub(crate) skip_checks: Vec<Check>,
    /// Logs requests to stderr, one per line
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) log: Option<LogFormat>,
    /// The lowest level that is logged
    #[arg(long, value_enum, default_value_t = LogLevel::Info, requires = "log")]
    pub(crate) log_level: LogLevel,
}

/// How a log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    // For people.
    Text,
    // For programs.
    Json,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    // A state that cannot be written.
    Error,
    // TLS handshakes that fail.
    Warn,
    // Every request to the API.
    Info,
    // Connections that end early.
    Debug,
}

/// The checks by their names, which `--help` and mistakes list.
fn check() -> impl TypedValueParser<Value = Check> {
    PossibleValuesParser::new(Check::ALL.map(Check::as_str)).try_map(|name| name.parse::<Check>())
}

/// A time of a tenth of a second at least.
fn pause(text: &str) -> Result<Duration, String> {
    let pause = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if pause < Duration::from_millis(100) { Err("shorter than 100ms".into()) } else { Ok(pause) }
}

fn speed(text: &str) -> Result<f64, &'static str> {
    let factor = text.parse().ok().filter(|factor: &f64| factor.is_finite() && *factor >= 0.0);
    factor.ok_or("not a number from 0 upwards, such as 60")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_holds() {
        Cli::command().debug_assert();
    }
}
