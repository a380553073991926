//! Each error code that the endpoint claims a cause for, brought about by that cause; and the page that lists them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use cvm_local::{Clock, CvmLocal, Seed, coverage};
use serde_json::{Value, json};

use crate::client::Client;

mod accounts;
mod create_image;
mod images;
mod instances;
mod sharing;
mod transfer;

/// A request that is refused, and what makes it so.
struct Case {
    action: &'static str,
    code: &'static str,
    region: &'static str,
    parameters: Value,
    seed: Box<dyn Fn(&mut Seed)>,
    before: Box<dyn Fn(&Client<'_>)>,
}

/// A request in `ap-shanghai`, with the default seed.
fn case(action: &'static str, code: &'static str, parameters: Value) -> Case {
    Case { action, code, region: "ap-shanghai", parameters, seed: Box::new(|_| {}), before: Box::new(|_| {}) }
}

impl Case {
    fn region(self, region: &'static str) -> Self {
        Self { region, ..self }
    }

    /// Changes the seed.
    fn seed(self, seed: impl Fn(&mut Seed) + 'static) -> Self {
        Self { seed: Box::new(seed), ..self }
    }

    /// Sends other requests first.
    fn before(self, before: impl Fn(&Client<'_>) + 'static) -> Self {
        Self { before: Box::new(before), ..self }
    }

    fn check(&self) {
        let mut seed = Seed::default();
        (self.seed)(&mut seed);
        let local =
            CvmLocal::builder().seed(seed).clock(Clock::stepped()).rate_limits(false).start().unwrap();
        let client = Client::new(&local).region(self.region);
        (self.before)(&client);
        let list = |what: &str| client.call(what, &json!({ "Limit": 100 })).ok();
        let everything = || (list("DescribeImages"), list("DescribeInstances"));
        let before = everything();
        let Self { action, code, parameters, .. } = self;
        let error = client.call(action, parameters).expect_err(code);
        assert_eq!(
            error.code().map(|code| code.as_str().to_owned()).as_deref(),
            Some(*code),
            "{action} {parameters}: {error}"
        );
        let sets = |(images, instances): (Option<Value>, Option<Value>)| {
            (
                images.map(|answer| answer["ImageSet"].clone()),
                instances.map(|answer| answer["InstanceSet"].clone()),
            )
        };
        assert_eq!(
            sets(everything()),
            sets(before),
            "{action} changed something, and was refused with {code}"
        );
    }
}

/// With another value of a parameter.
fn with(mut parameters: Value, name: &str, value: Value) -> Value {
    parameters[name] = value;
    parameters
}

/// A request that the default seed does not refuse.
fn sound(action: &str) -> Value {
    let instance = json!({ "InstanceIds": ["ins-running0"] });
    match action {
        "SyncImages" => json!({ "ImageIds": ["img-o3ycss2p"], "DestinationRegions": ["ap-guangzhou"] }),
        "CreateImage" => json!({ "ImageName": "new", "InstanceId": "ins-running0" }),
        "DeleteImages" => json!({ "ImageIds": ["img-o3ycss2p"] }),
        "ModifyImageAttribute" => json!({ "ImageId": "img-o3ycss2p", "ImageName": "new" }),
        "ModifyImageSharePermission" => {
            json!({ "ImageId": "img-o3ycss2p", "AccountIds": ["100000000002"], "Permission": "SHARE" })
        }
        "DescribeImageSharePermission" => json!({ "ImageId": "img-o3ycss2p" }),
        "DescribeImageFromFamily" => json!({ "ImageFamily": "base-ubuntu" }),
        "ImportImage" => json!({
            "Architecture": "x86_64", "OsType": "CentOS", "OsVersion": "7", "ImageName": "new",
            "ImageUrl": "https://files-1250000000.cos.ap-shanghai.myqcloud.com/disk.qcow2",
        }),
        "ExportImages" => json!({ "BucketName": "exports-1250000000", "ImageIds": ["img-o3ycss2p"] }),
        "RunInstances" => json!({ "Placement": { "Zone": "ap-shanghai-2" }, "ImageId": "img-o3ycss2p" }),
        "StartInstances" => json!({ "InstanceIds": ["ins-stopped0"] }),
        "StopInstances" | "RebootInstances" | "TerminateInstances" => instance,
        _ => json!({}),
    }
}

fn cases() -> Vec<Case> {
    let mut cases = accounts::cases();
    cases.extend(images::cases());
    cases.extend(create_image::cases());
    cases.extend(sharing::cases());
    cases.extend(transfer::cases());
    cases.extend(instances::cases());
    cases
}

#[test]
fn a_sound_request_of_each_action_is_answered() {
    for action in coverage().map(|row| row.action).collect::<BTreeSet<_>>() {
        let local = CvmLocal::start().unwrap();
        if let Err(error) = Client::new(&local).call(action, &sound(action)) {
            panic!("{action}: {error}");
        }
    }
}

#[test]
fn every_cause_brings_its_code_about() {
    let cases = cases();
    let claimed: BTreeSet<_> =
        coverage().filter(|row| row.cause.is_some()).map(|row| (row.action, row.code)).collect();
    let tried: BTreeSet<_> = cases.iter().map(|case| (case.action, case.code)).collect();
    assert_eq!(claimed.difference(&tried).collect::<Vec<_>>(), Vec::<&(&str, &str)>::new(), "not tried");
    assert_eq!(tried.difference(&claimed).collect::<Vec<_>>(), Vec::<&(&str, &str)>::new(), "not claimed");
    cases.iter().for_each(Case::check);
}

/// The page as it must be.
fn page() -> String {
    let mut page = String::from(
        "<!-- Generated from crates/cvm-local by its test `the_page_is_what_the_endpoint_does`: do not edit. -->\n\n\
         # What cvm-local refuses, and why\n\n\
         Each action of the embedded endpoint, with every error code that the API documents for it. A request with one \
         of\nthese causes gets its code, and the tests try each of them. Codes without a cause are given by faults \
         alone\n(`Fault::error`). The codes that all actions share (for signatures, parameters, rates and dry runs) \
         are not\nlisted.\n\n",
    );
    let rows: Vec<_> = coverage().collect();
    let caused = rows.iter().filter(|row| row.cause.is_some()).count();
    writeln!(page, "{caused} of {} codes have a cause.", rows.len()).unwrap();
    for rows in rows.chunk_by(|a, b| a.action == b.action) {
        writeln!(page, "\n## {}\n\n| code | cause |\n|---|---|", rows[0].action).unwrap();
        for row in rows.iter().filter(|row| row.cause.is_some()) {
            writeln!(page, "| `{}` | {} |", row.code, row.cause.unwrap_or_default()).unwrap();
        }
        let others: Vec<_> =
            rows.iter().filter(|row| row.cause.is_none()).map(|row| format!("`{}`", row.code)).collect();
        if !others.is_empty() {
            writeln!(page, "| {} | by fault only |", others.join("<br>")).unwrap();
        }
    }
    page
}

/// `UPDATE_DOCS=1` writes the page.
#[test]
fn the_page_is_what_the_endpoint_does() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cvm-local-coverage.md");
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == page,
        "docs/cvm-local-coverage.md is out of date: UPDATE_DOCS=1 cargo test -p cvm-local coverage"
    );
}
