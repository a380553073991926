//! Where the examples send their requests: to the service if the environment has a credential for it, and otherwise to
//! an endpoint inside the process.

use cvm_local::{Clock, CvmLocal};
use cvm_proto::{Endpoint, Error, Settings};

/// Settings for an example, and the endpoint that they lead to if it is one inside this process.
///
/// It is stopped when it is dropped. The environment variables are those of [`cvm_config`].
///
/// # Errors
///
/// What is wrong with the environment, or why the endpoint does not start.
pub fn settings() -> Result<(Settings, Option<CvmLocal>), Box<dyn std::error::Error>> {
    if std::env::var_os("TENCENTCLOUD_SECRET_ID").is_some() {
        return Ok((cvm_config::from_env()?, None));
    }
    // A minute there is a second here: nobody wants to wait for an example's copies.
    let local = CvmLocal::builder().clock(Clock::scaled(60.0)).start()?;
    eprintln!("no credential in the environment: using {}", local.endpoint());
    let settings = local_settings(&local)?;
    Ok((settings, Some(local)))
}

fn local_settings(local: &CvmLocal) -> Result<Settings, Error> {
    let mut settings = Settings::default();
    settings.credential = Some(local.credential());
    settings.region = Some("ap-shanghai".into());
    settings.endpoint = Endpoint::explicit(local.endpoint())?;
    Ok(settings)
}

/// The front page's program, which `cargo test` builds.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct FrontPage;

/// The programs of the crates that only the client crates can run.
#[cfg(doctest)]
#[doc = include_str!("../../crates/cvm-local/README.md")]
#[doc = include_str!("../../crates/cvm-proto/README.md")]
pub struct CratePages;
