//! Products of Tencent Cloud beside CVM: their names, and the versions of their APIs.

use cvm_proto::input;

use crate::args::CallArgs;
use crate::failure::Failure;

/// Everyday products and the versions of their APIs, by the first label of their hosts: as the official command line has
/// them (`tccli/services/NAME/vYYYYMMDD` of TencentCloud/tencentcloud-cli, where `as` is `autoscaling`), read in November
/// 2026. Of a product with several versions it is the first, which most of its documents are about.
const VERSIONS: [(&str, &str); 21] = [
    ("as", "2018-04-19"),
    ("billing", "2018-07-09"),
    ("cam", "2019-01-16"),
    ("cbs", "2017-03-12"),
    ("cdb", "2017-03-20"),
    ("clb", "2018-03-17"),
    ("cloudaudit", "2019-03-19"),
    ("cls", "2020-10-16"),
    (OWN, "2017-03-12"),
    ("dnspod", "2021-03-23"),
    ("kms", "2019-01-18"),
    ("lighthouse", "2020-03-24"),
    ("monitor", "2018-07-24"),
    ("region", "2022-06-27"),
    ("ssl", "2019-12-05"),
    ("ssm", "2019-09-23"),
    ("sts", "2018-08-13"),
    ("tag", "2018-08-13"),
    ("tat", "2020-10-28"),
    ("tke", "2018-05-25"),
    ("vpc", "2017-03-12"),
];

/// The product that this program is about.
const OWN: &str = "cvm";

/// The product that is to be called, and the version of its API; nothing if it is the usual one.
pub(crate) fn chosen(args: &CallArgs) -> Result<Option<(&str, &str)>, Failure> {
    let Some(service) = args.service.as_deref() else { return Ok(None) };
    match args.api_version.as_deref() {
        None if service == OWN => Ok(None),
        Some(given) => Ok(Some((service, given))),
        None => version(service, "--api-version").map(|known| Some((service, known))).map_err(Failure::usage),
    }
}

/// The version of a product's API, for whoever names the product alone; `option` is where the version can be given.
///
/// ```
/// assert_eq!(cvm_cli::api_version("sts", "--api-version"), Ok("2018-08-13"));
/// let unknown = cvm_cli::api_version("moniter", "--api-version").unwrap_err();
/// assert!(unknown.contains("did you mean monitor?"), "{unknown}");
/// ```
///
/// # Errors
///
/// One sentence if none is known.
pub fn version(service: &str, option: &str) -> Result<&'static str, String> {
    let names = || VERSIONS.iter().map(|(name, _)| *name);
    VERSIONS.iter().find_map(|(name, version)| (*name == service).then_some(*version)).ok_or_else(|| {
        let meant = input::closest(service, names())
            .map_or_else(String::new, |meant| format!(" (did you mean {meant}?)"));
        format!(
            "no API version is known of the service `{}`{meant}: give {option}, such as 2017-03-12, as its API documentation has it",
            input::excerpt(service),
        )
    })
}
