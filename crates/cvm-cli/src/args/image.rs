//! The options of the commands around images.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use cvm_proto::ImageSync;

const SYNC_HELP: &str = "\
Examples:
  cvm sync img-o3ycss2p --from ap-shanghai --to ap-guangzhou,ap-beijing --local
  cvm sync img-o3ycss2p --to ap-guangzhou --dry-run
  cvm sync img-o3ycss2p --to 'ap-*' --except ap-tokyo --dry-run
  cvm sync --resume
  cvm sync --resume --all --timeout 2h

--to takes regions, all, and patterns such as 'ap-*' (* matches any letters, ? one). all and patterns stand for the \
available regions on the same side of the border of the finance regions, without the source region. A region that is \
written out is used whether cvm regions lists it or not; the source region is passed over. Every region is checked \
before anything is started: one that the service does not know or serve ends the command.

Progress goes to stderr, the result to stdout. Copies continue in the service when the command ends early. A journal \
records what the job has done: killed at any moment and run again, it makes no second copy and loses none. Ctrl-C and \
other requests to end take 6 s at most, and leave a report; a second one ends the command at once.

Images, endpoint and the options of the job make up the job. The same job, with its lists in any order, is resumed where \
it stopped; once it has ended, it begins anew, and copies that are still there are not made again. --resume takes the job \
as it was begun, and makes no copy anew that had ended. The options of the run are given anew each time. --resume --all \
passes over a job that cannot be resumed here, which counts as exit code 3; of the codes of all jobs the worst counts: \
signals, then 1, 2, 5, 3, 4, 0.

BASIS in the report says why an image counts as the copy:
  answered  the service named it when it accepted this job's request
  appeared  it showed up after a request of this job whose answer was lost
  found     it has the copy's name, and the system, architecture and size of
            its source; --own-copies does not accept such an image";

/// What those options stand under that make a job what it is.
const JOB_HEADING: &str = "Options of the job";

#[derive(Args)]
#[command(after_help = SYNC_HELP, next_help_heading = "Options of this run")]
pub(crate) struct SyncArgs {
    /// The images to copy, such as img-o3ycss2p
    #[arg(required_unless_present = "resume", value_name = "IMAGE")]
    pub(crate) images: Vec<String>,
    /// The region that the images are in [default: --region]
    #[arg(long, help_heading = JOB_HEADING, value_name = "REGION")]
    pub(crate) from: Option<String>,
    /// The regions to copy them to, separated by commas; also all, and patterns such as 'ap-*'
    #[arg(long, help_heading = JOB_HEADING, required_unless_present = "resume", value_name = "REGION,...", value_delimiter = ',')]
    pub(crate) to: Vec<String>,
    /// Regions or patterns to leave out of --to, separated by commas
    #[arg(long, help_heading = JOB_HEADING, requires = "to", value_name = "REGION,...", value_delimiter = ',')]
    pub(crate) except: Vec<String>,
    /// The name of the copies [default: the image's own]
    #[arg(long, help_heading = JOB_HEADING)]
    pub(crate) name: Option<String>,
    /// What to do where another image has the name
    #[arg(long, help_heading = JOB_HEADING, value_enum, default_value_t = Conflicts::Fail)]
    pub(crate) on_conflict: Conflicts,
    /// Makes an encrypted copy, in the source region and under another --name
    #[arg(long, help_heading = JOB_HEADING, requires = "name")]
    pub(crate) encrypt: bool,
    /// The KMS key of the encrypted copy [default: the service's own]
    #[arg(long, help_heading = JOB_HEADING, value_name = "ID", requires = "encrypt")]
    pub(crate) kms_key_id: Option<String>,
    /// Refuses larger images before anything is started
    #[arg(long, help_heading = JOB_HEADING, value_name = "GIB")]
    pub(crate) max_size: Option<i64>,
    /// Gives the copies their source's description and family
    #[arg(long, help_heading = JOB_HEADING)]
    pub(crate) same_attributes: bool,
    /// The longest time to wait for all copies, such as 90s, 45m or 1h 30m [default: 1h]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Option<Duration>,
    /// The longest time to wait for one copy [default: none]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) destination_timeout: Option<Duration>,
    /// Waits until the copies can be used (the default)
    #[arg(long, overrides_with = "no_wait")]
    pub(crate) wait: bool,
    /// Ends once the service has accepted the copies; --resume waits for them later
    #[arg(long, overrides_with = "wait")]
    pub(crate) no_wait: bool,
    /// Shows what would happen in each region, and starts nothing
    #[arg(long, conflicts_with_all = ["journal", "no_wait"])]
    pub(crate) dry_run: bool,
    /// Deletes copies that have failed
    #[arg(long)]
    pub(crate) delete_failed: bool,
    /// Accepts only copies that this job started: an image merely found under the name is a conflict
    #[arg(long)]
    pub(crate) own_copies: bool,
    /// The file to keep the job in; its folder has to exist [default: a file named after the job, see cvm jobs]
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// Resumes a job as it was begun, with its profile: the one that cvm jobs lists with this ID, the one in
    /// --journal, or the only one there is
    #[arg(
        long,
        value_name = "ID",
        num_args = 0..=1,
        default_missing_value = "",
        conflicts_with_all = not_with_resume()
    )]
    pub(crate) resume: Option<String>,
    /// With --resume: resumes all jobs that cvm jobs lists, one after the other, each with its own profile
    #[arg(long, conflicts_with = "journal")]
    pub(crate) all: bool,
    /// How long to search for a copy whose request got no answer, before requesting it again [default: 45s]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) settle: Option<Duration>,
    /// The first pause between two looks at the same copy; pauses grow to ten times that [default: 2s]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) poll_every: Option<Duration>,
    /// Prints every event, and then the report, as JSON, one per line
    #[arg(long)]
    pub(crate) json: bool,
}

/// What makes a job, which one that is resumed has already; and it is no dry run.
fn not_with_resume() -> Vec<&'static str> {
    ["images", "to", "except", "dry_run"].into_iter().chain(ImageSync::OPTIONS).collect()
}

const JOBS_HELP: &str = "\
A job is running, interrupted (cvm sync --resume resumes it), or ended. Its copies are remembered for 90 days after its \
end: the same job, begun anew, looks at them first. Jobs that are kept in a file by --journal are not listed.

Examples:
  cvm jobs --all
  cvm jobs --output json
  cvm sync --resume 1f09ab
  cvm jobs forget 1f09ab";

#[derive(Args)]
#[command(after_help = JOBS_HELP, args_conflicts_with_subcommands = true)]
pub(crate) struct JobsArgs {
    /// Lists jobs that have ended as well
    #[arg(long)]
    pub(crate) all: bool,
    #[command(subcommand)]
    pub(crate) command: Option<JobsCommand>,
}

#[derive(Subcommand)]
pub(crate) enum JobsCommand {
    /// Forgets a job that is not running; its copies stay as they are
    Forget {
        /// Its ID, as cvm jobs shows it
        id: String,
    },
}

/// What an image that has the name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Conflicts {
    // The region has not got what was asked for.
    Fail,
    // The region is passed over.
    Skip,
}

#[derive(Args)]
pub(crate) struct ImagesArgs {
    /// The regions to look in, separated by commas, or patterns such as 'ap-*' [default: --region]
    #[arg(long, value_name = "REGION,...", value_delimiter = ',')]
    pub(crate) regions: Vec<String>,
    /// Looks in every region
    #[arg(long, conflicts_with = "regions")]
    pub(crate) all_regions: bool,
    /// Lists only images whose name contains this
    #[arg(long, value_name = "TEXT")]
    pub(crate) name: Option<String>,
    /// Whose images to list
    #[arg(long = "type", value_enum, default_value_t = ImageKind::Private)]
    pub(crate) kind: ImageKind,
    /// Lists only images whose platform contains this, such as Ubuntu
    #[arg(long, value_name = "TEXT")]
    pub(crate) platform: Option<String>,
    /// Lists only images in this state, such as NORMAL or SYNCING
    #[arg(long, ignore_case = true)]
    pub(crate) state: Option<String>,
}

/// Whose images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImageKind {
    // The account's own.
    Private,
    // Those of other accounts that are shared with it.
    Shared,
    // The service's.
    Public,
    // All of them.
    Any,
}

#[derive(Args)]
pub(crate) struct QuotaArgs {
    /// The regions, separated by commas, or patterns such as 'ap-*' [default: --region, else all]
    #[arg(long, value_name = "REGION,...", value_delimiter = ',')]
    pub(crate) regions: Vec<String>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::error::ErrorKind;
    use clap::{CommandFactory, Parser};
    use cvm_proto::{RunOption, SyncRun};

    use super::*;
    use crate::args::{Cli, Command};

    /// The options of `cvm sync` under a heading, without those that only the command has.
    fn under<'a>(command: &'a clap::Command, heading: &str, own: &[&str]) -> BTreeSet<&'a str> {
        let options = command.get_arguments().filter(|option| option.get_help_heading() == Some(heading));
        let names =
            options.filter(|option| option.get_long().is_some()).map(|option| option.get_id().as_str());
        names.filter(|name| !own.contains(name)).collect()
    }

    #[test]
    fn the_options_of_the_core_are_those_of_the_command_and_stand_under_their_headings() {
        let command = Cli::command();
        let sync = command.find_subcommand("sync").unwrap();
        assert_eq!(under(sync, JOB_HEADING, &["to", "except"]), BTreeSet::from(ImageSync::OPTIONS));
        let own = ["no_wait", "journal", "resume", "all", "json"];
        assert_eq!(
            under(sync, "Options of this run", &own),
            SyncRun::OPTIONS.iter().map(RunOption::name).collect()
        );
    }

    #[test]
    fn a_job_that_is_resumed_takes_the_options_of_a_run_and_none_of_a_job() {
        let command = Cli::command();
        let sync = command.find_subcommand("sync").unwrap();
        let resumes = |name: &str| {
            let option = sync.get_arguments().find(|option| option.get_id() == name).unwrap();
            let mut line: Vec<String> = ["cvm", "sync", "--resume"].map(String::from).into();
            line.push(format!("--{}", option.get_long().unwrap()));
            // Whatever is said against a value, the conflict is said first.
            let value = if name == "on_conflict" { "skip" } else { "1" };
            if option.get_action().takes_values() {
                let is_time = SyncRun::OPTIONS
                    .iter()
                    .any(|option| matches!(option, RunOption::Time(time, _) if *time == name));
                line.push(if is_time { "1s".into() } else { value.into() });
            }
            Cli::try_parse_from(line).map(drop).map_err(|error| error.kind())
        };
        for name in ImageSync::OPTIONS {
            assert_eq!(resumes(name), Err(ErrorKind::ArgumentConflict), "{name}");
        }
        for name in SyncRun::OPTIONS.iter().map(RunOption::name) {
            let expected = if name == "dry_run" { Err(ErrorKind::ArgumentConflict) } else { Ok(()) };
            assert_eq!(resumes(name), expected, "{name}");
        }
    }

    #[test]
    fn regions_come_separated_or_one_by_one() {
        let args = "cvm sync img-1 --from a --to b,c --to d --timeout 90s";
        let Command::Sync(sync) = Cli::try_parse_from(args.split(' ')).unwrap().command else { panic!() };
        assert_eq!(sync.to, ["b", "c", "d"]);
        assert_eq!(sync.timeout, Some(Duration::from_secs(90)));
    }

    #[test]
    fn of_wait_and_no_wait_the_last_counts() {
        let waits = |args: &str| match Cli::try_parse_from(args.split(' ')).unwrap().command {
            Command::Sync(sync) => !sync.no_wait,
            _ => panic!(),
        };
        assert!(waits("cvm sync img-1 --to b"));
        assert!(!waits("cvm sync img-1 --to b --wait --no-wait"));
        assert!(waits("cvm sync img-1 --to b --no-wait --wait"));
    }
}
