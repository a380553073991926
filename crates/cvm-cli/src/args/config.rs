//! The options of the commands around settings.

use clap::{Args, Subcommand};

const CONFIGURE_HELP: &str = "\
At a terminal, and without options, it asks for what it needs; the key is not shown. What is not given stays as it is, as do all other profiles in the file.

Examples:
  cvm configure
  cvm configure --profile prod --region ap-beijing
  cvm configure --profile ci --secret-id AKIDexample < key.txt";

#[derive(Args)]
#[command(after_help = CONFIGURE_HELP)]
pub(crate) struct ConfigureArgs {
    /// The secret id; the key is then the first line of stdin, and a token the second, unless they are options
    #[arg(long, value_name = "ID")]
    pub(crate) secret_id: Option<String>,
    /// The secret key; other users of the machine can see options, so stdin is the better place
    #[arg(long, value_name = "KEY", requires = "secret_id")]
    pub(crate) secret_key: Option<String>,
    /// The token of a temporary credential
    #[arg(long, requires = "secret_key")]
    pub(crate) token: Option<String>,
}

const SHOW_HELP: &str = "\
Secrets are masked. The first that has a value takes precedence: options, environment, profile, default.

Examples:
  cvm config show
  cvm config show --profile prod --check";

#[derive(Subcommand)]
pub(crate) enum ConfigCommand {
    /// Shows each setting, where it comes from, and which credential is used
    #[command(after_help = SHOW_HELP)]
    Show {
        /// Sends a request that changes nothing, to check that credential and endpoint work
        #[arg(long)]
        check: bool,
    },
}
