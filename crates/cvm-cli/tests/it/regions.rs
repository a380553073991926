//! Which regions a command goes to: names, lists, patterns, mistakes; and `cvm regions`.

use cvm_local::{Clock, CvmLocal, Fault};
use serde_json::Value;

use crate::command::Folder;
use crate::jobs::{cvm, jobs, ran, submissions};

const IMAGE: &str = "img-o3ycss2p";

/// Where an image of ap-shanghai can go to, as the endpoint lists it.
const ALL: [&str; 16] = [
    "ap-nanjing",
    "ap-guangzhou",
    "ap-beijing",
    "ap-chengdu",
    "ap-chongqing",
    "ap-hongkong",
    "ap-seoul",
    "ap-tokyo",
    "ap-singapore",
    "ap-bangkok",
    "ap-jakarta",
    "na-siliconvalley",
    "eu-frankfurt",
    "na-ashburn",
    "sa-saopaulo",
    "me-saudi-arabia",
];

struct Setup {
    local: CvmLocal,
    folder: Folder,
}

impl Setup {
    fn new(test: &str) -> Self {
        let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
        Self { local, folder: Folder::new(test) }
    }

    fn run(&self, args: &[&str]) -> crate::command::Ran {
        ran(&mut cvm(&self.local, &self.folder, args))
    }

    /// The regions that a dry run goes to.
    fn regions(&self, to: &[&str]) -> Vec<String> {
        let ran = self.run(&[&["sync", IMAGE, "--dry-run", "--output", "json"], to].concat());
        let report = ran.json();
        let destinations = report["destinations"].as_array().unwrap();
        destinations.iter().map(|of| of["region"].as_str().unwrap().to_owned()).collect()
    }

    fn asked(&self, action: &str) -> usize {
        self.local.requests().iter().filter(|request| request.action == action).count()
    }
}

#[test]
fn a_mistyped_region_ends_the_command_with_the_name_that_was_meant() {
    let setup = Setup::new("mistyped");
    for (to, sentence) in [
        ("ap-guangzou", "knows no region `ap-guangzou`: did you mean `ap-guangzhou`?"),
        ("ap-guangzhou,ap-beijng,ap-tokyo", "knows no region `ap-beijng`: did you mean `ap-beijing`?"),
        ("ap-beijing, tokyo", "knows no region `tokyo`: did you mean `ap-tokyo`?"),
        ("ap-tokyo,atlantis", "knows no region `atlantis`: DescribeRegions lists the regions"),
        ("ap-tokyo,ap-mumbai", "does not serve the region `ap-mumbai`: leave it out"),
        ("eu-moscow,ap-tokyo", "does not serve the region `eu-moscow`: DescribeRegions lists the regions"),
    ] {
        let ran = setup.run(&["sync", IMAGE, "--to", to]).ended_with(5);
        assert!(ran.err.contains("nothing was started, since the service"), "{ran:?}");
        assert!(ran.err.contains(sentence) && ran.err.contains("request id"), "{to}: {ran:?}");
        assert_eq!(ran.out, "", "there is nothing to report");
        setup.run(&["sync", IMAGE, "--to", to, "--dry-run"]).ended_with(5);
    }
    let from = ["sync", IMAGE, "--from", "ap-shangai", "--to", "ap-tokyo"];
    let ran = setup.run(&from).ended_with(5);
    assert!(ran.err.contains("knows no region `ap-shangai`: did you mean `ap-shanghai`?"), "{ran:?}");
    assert_eq!((setup.asked("SyncImages"), jobs(&setup.local, &setup.folder)), (0, Vec::new()));

    let ran = setup.run(&["sync", IMAGE, "--to", "ap-guangzou", "--output", "json"]).ended_with(5);
    let error: Value = serde_json::from_str(ran.err.lines().last().unwrap()).unwrap();
    assert_eq!(error["error"]["code"], "InvalidParameterValue");
    // Where the list cannot be read, that is no matter.
    setup.local.faults().push(Fault::error("UnauthorizedOperation").on("DescribeRegions")).unwrap();
    let ran = setup.run(&["sync", IMAGE, "--to", "ap-guangzou"]).ended_with(5);
    assert!(ran.err.contains("knows no region `ap-guangzou`: check its name"), "{ran:?}");
    assert!(!ran.err.contains("UnauthorizedOperation"), "{ran:?}");
}

#[test]
fn a_mistyped_region_leaves_the_journal_as_it_was() {
    let setup = Setup::new("mistyped-journal");
    let journal = setup.folder.0.join("job.json");
    let at = |to| ["sync", IMAGE, "--to", to, "--journal", journal.to_str().unwrap(), "--no-wait"];
    setup.run(&at("ap-guangzou,ap-tokyo")).ended_with(5);
    assert!(!journal.exists());
    setup.run(&at("ap-guangzhou,ap-tokyo")).ended_with(0);
    assert_eq!(submissions(&setup.local), 1);
}

#[test]
fn lists_may_have_spaces_and_commas_to_spare() {
    let setup = Setup::new("spaces");
    for to in [
        &["--to", "ap-guangzhou, ap-beijing"][..],
        &["--to", "ap-guangzhou,ap-beijing,"],
        &["--to", " ap-guangzhou ,\tap-beijing\n"],
        &["--to", "ap-guangzhou,", "--to", " ,ap-beijing,ap-guangzhou"],
        &["--to", "ap-guangzhou", "--to", "", "--to", "ap-beijing"],
    ] {
        assert_eq!(setup.regions(to), ["ap-guangzhou", "ap-beijing"], "{to:?}");
    }
    assert_eq!(setup.asked("DescribeRegions"), 0, "names need no list");
    for to in ["", " ", ",", " , "] {
        let ran = setup.run(&["sync", IMAGE, "--to", to]).ended_with(2);
        assert!(ran.err.contains("the list of regions is empty: name at least one"), "{ran:?}");
    }
    // Other lists of regions are no other.
    let images = setup.run(&["images", "--regions", "ap-shanghai, ap-beijing ,"]).ended_with(0);
    assert!(images.out.starts_with("NAME") && images.out.contains("ap-beijing"), "{images:?}");
    let quota = setup.run(&["quota", "--regions", " ap-beijing, ap-tokyo"]).ended_with(0);
    assert_eq!(quota.out.lines().count(), 3, "{quota:?}");
    setup.run(&["images", "--regions", ","]).ended_with(2);
}

#[test]
fn all_and_patterns_stand_for_the_regions_that_there_are() {
    let setup = Setup::new("patterns");
    assert_eq!(setup.regions(&["--to", "all"]), ALL);
    let but = ["--to", "all", "--except", "ap-*, na-ashburn", "--except", "ap-shanghai"];
    assert_eq!(setup.regions(&but), ["na-siliconvalley", "eu-frankfurt", "sa-saopaulo", "me-saudi-arabia"]);
    assert_eq!(setup.regions(&["--to", "ap-b*,*-ashburn"]), ["ap-beijing", "ap-bangkok", "na-ashburn"]);
    let both = ["--to", "eu-frankfurt, ap-?okyo", "--to", "eu-*"];
    assert_eq!(setup.regions(&both), ["eu-frankfurt", "ap-tokyo"]);
    let quota = setup.run(&["quota", "--regions", "ap-sh*,eu-*", "--output", "json"]).ended_with(0).json();
    let regions: Vec<_> = quota.as_array().unwrap().iter().map(|of| of["region"].as_str().unwrap()).collect();
    assert_eq!(regions, ["ap-shanghai", "ap-shanghai-fsi", "ap-shenzhen-fsi", "eu-frankfurt"]);
}

#[test]
fn a_pattern_that_stands_for_nothing_is_a_mistake() {
    let setup = Setup::new("no-pattern");
    for (to, sentence) in [
        (&["--to", "xx-*"][..], "`xx-*` stands for no region that an image can go to from ap-shanghai"),
        (&["--to", "ap-tokyo,ap-m*"], "`ap-m*` stands for no region"),
        (&["--to", "*-fsi"], "`*-fsi` stands for no region"),
        (
            &["--to", "all", "--except", "ap-tokio"],
            "`ap-tokio` is to be left out and is no region of the service: did you mean `ap-tokyo`?",
        ),
        (&["--to", "all", "--except", "cn-*"], "`cn-*` is to be left out and is no region"),
        (&["--to", "na-*", "--except", "na-*"], "no region is left of na-* without na-*"),
    ] {
        let ran = setup.run(&[&["sync", IMAGE], to].concat()).ended_with(2);
        assert!(ran.err.contains(sentence), "{ran:?}");
    }
    setup.local.faults().push(Fault::error("UnauthorizedOperation").on("DescribeRegions")).unwrap();
    let ran = setup.run(&["sync", IMAGE, "--to", "all"]).ended_with(5);
    assert!(ran.err.contains("UnauthorizedOperation") && ran.err.contains("name the regions"), "{ran:?}");
    assert_eq!(setup.asked("SyncImages"), 0);
    setup.run(&["sync", "--resume", "--except", "ap-tokyo"]).ended_with(2);
}

#[test]
fn a_job_is_what_its_pattern_stands_for() {
    let setup = Setup::new("pattern-job");
    setup.run(&["sync", IMAGE, "--to", "na-*", "--no-wait"]).ended_with(0);
    let again = ["sync", IMAGE, "--to", "na-ashburn,na-siliconvalley", "--no-wait"];
    let ran = setup.run(&again).ended_with(0);
    assert!(ran.err.contains("cvm: resuming the job"), "{ran:?}");
    let but = ["sync", IMAGE, "--to", "all", "--except", "ap-*,eu-*,sa-*,me-*", "--no-wait"];
    setup.run(&but).ended_with(0);
    assert_eq!((submissions(&setup.local), jobs(&setup.local, &setup.folder).len()), (1, 1));
}

#[test]
fn the_images_own_region_is_passed_over_with_a_note() {
    let setup = Setup::new("own-region");
    let sync = ["sync", IMAGE, "--to", "ap-shanghai,ap-guangzhou", "--no-wait"];
    let ran = setup.run(&sync).ended_with(0);
    let row = ran.out.lines().find(|line| line.contains(" ap-shanghai ")).unwrap();
    assert!(row.contains("skipped"), "{ran:?}");
    let note = "ap-shanghai: ap-shanghai is the region that the image is in: it was passed over";
    assert!(ran.err.contains(note), "{ran:?}");
    let report = setup.run(&[&sync[..], &["--output", "json"]].concat()).ended_with(0).json();
    let home = &report["destinations"][0];
    assert_eq!((&report["as_asked"], &home["outcome"]), (&true.into(), &"skipped".into()));
    assert_eq!(home["image_id"], IMAGE);
}

#[test]
fn the_regions_of_the_service_are_listed() {
    let setup = Setup::new("list");
    let table = setup.run(&["regions"]).ended_with(0);
    let rows: Vec<&str> = table.out.lines().collect();
    assert_eq!(rows[0].split_whitespace().collect::<Vec<_>>(), ["REGION", "NAME", "STATE"]);
    assert_eq!(rows.last(), Some(&"20 regions, 1 not AVAILABLE"));
    let row = rows.iter().find(|row| row.starts_with("ap-guangzhou")).unwrap();
    assert!(row.contains("South China (Guangzhou)") && row.ends_with(" AVAILABLE"), "{row}");
    assert!(
        rows.iter().any(|row| row.starts_with("ap-mumbai") && row.ends_with(" UNAVAILABLE")),
        "{table:?}"
    );
    let text = setup.run(&["regions", "--output", "text"]).ended_with(0).out;
    assert_eq!(text.lines().next(), Some("ap-shanghai\tEast China (Shanghai)\tAVAILABLE"));
    let list = setup.run(&["regions", "--output", "json"]).ended_with(0).json();
    assert_eq!(list[0]["Region"], "ap-shanghai");
    assert_eq!((&list[0]["RegionState"], list.as_array().unwrap().len()), (&"AVAILABLE".into(), 20));
}
