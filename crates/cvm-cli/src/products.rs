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
    let known = VERSIONS.iter().find_map(|(name, version)| (*name == service).then_some(*version));
    match (known, args.api_version.as_deref()) {
        (_, None) if service == OWN => Ok(None),
        (_, Some(given)) => Ok(Some((service, given))),
        (Some(known), None) => Ok(Some((service, known))),
        (None, None) => {
            let meant = input::closest(service, VERSIONS.iter().map(|(name, _)| *name))
                .map_or_else(String::new, |meant| format!(" (did you mean {meant}?)"));
            Err(Failure::usage(format!(
                "no API version is known of the service `{service}`{meant}: give --api-version, such as 2017-03-12, as its API documentation has it",
            )))
        }
    }
}
