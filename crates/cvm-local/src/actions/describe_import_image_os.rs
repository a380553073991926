//! `DescribeImportImageOs`: the operating systems that can be imported.

use serde_json::{Value, json};

use super::{Call, Handler, answer};
use crate::request::refusal::Refusal;

pub(super) const HANDLER: Handler = Handler { name: "DescribeImportImageOs", run, causes: &[], states: &[] };

/// An operating system that can be imported.
pub(super) struct ImportOs {
    pub(super) name: &'static str,
    pub(super) versions: &'static [&'static str],
    architectures: &'static [&'static str],
}

const fn linux(name: &'static str, versions: &'static [&'static str]) -> ImportOs {
    ImportOs { name, versions, architectures: &["x86_64", "i386", "arm_64"] }
}

const LINUX: [ImportOs; 10] = [
    linux("CentOS", &["6", "7", "8"]),
    linux("CoreOS", &["7"]),
    linux("Debian", &["8", "9", "10", "11", "12"]),
    linux("FreeBSD", &["11", "12", "13"]),
    linux("OpenSUSE", &["12", "13", "15"]),
    linux("Other Linux", &["-"]),
    linux("Rocky Linux", &["8", "9"]),
    linux("SUSE", &["11", "12", "15"]),
    linux("TencentOS", &["2", "3", "4"]),
    linux("Ubuntu", &["16", "18", "20", "22", "24"]),
];

const WINDOWS: [ImportOs; 2] = [
    ImportOs {
        name: "Windows",
        versions: &["2012", "2016", "2019", "2022"],
        architectures: &["x86_64", "i386"],
    },
    ImportOs { name: "Other Windows", versions: &["-"], architectures: &["x86_64", "i386"] },
];

/// The operating system of this name, whatever its case.
pub(super) fn named(name: &str) -> Option<&'static ImportOs> {
    LINUX.iter().chain(&WINDOWS).find(|os| os.name.eq_ignore_ascii_case(name))
}

fn run(call: &mut Call<'_>, _: Value, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let names = |systems: &[ImportOs]| systems.iter().map(|os| os.name).collect::<Vec<_>>();
    let versions: Vec<_> = LINUX
        .iter()
        .chain(&WINDOWS)
        .map(|os| json!({ "OsName": os.name, "OsVersions": os.versions, "Architecture": os.architectures }))
        .collect();
    answer(
        out,
        &json!({
            "ImportImageOsListSupported": { "Windows": names(&WINDOWS), "Linux": names(&LINUX) },
            "ImportImageOsVersionSet": versions,
            "RequestId": call.request_id,
        }),
    )
}
