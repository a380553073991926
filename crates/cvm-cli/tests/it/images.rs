//! `cvm images` and `cvm quota` on the embedded endpoint; `cvm completions` and `cvm man`.

use cvm_local::{Clock, CvmLocal, Fault};

use crate::command::{Folder, Ran, at, run};

fn ran(local: &CvmLocal, args: &[&str]) -> Ran {
    at(local, args).output().unwrap().into()
}

#[test]
fn images_of_a_region() {
    let local = CvmLocal::start().unwrap();
    let all = ran(&local, &["images"]).ended_with(0);
    assert!(all.out.contains("img-o3ycss2p") && all.out.contains("50 GiB"), "{all:?}");
    assert!(!all.out.contains("img-eb30mz89"), "the service's images only if they are asked for: {all:?}");
    let some = ran(&local, &["images", "--name", "ubuntu", "--state", "normal", "--output", "json"])
        .ended_with(0)
        .json();
    assert_eq!(some[0]["ImageId"], "img-o3ycss2p");
    assert_eq!(some[0]["Region"], "ap-shanghai");
    assert_eq!(some.as_array().unwrap().len(), 1);
    let public = ran(&local, &["images", "--type", "public"]).ended_with(0);
    assert!(public.out.contains("img-eb30mz89") && !public.out.contains("img-o3ycss2p"), "{public:?}");
    let failed = ran(&local, &["images", "--state", "CREATEFAILED"]).ended_with(0);
    assert!(failed.out.contains("img-failed00") && !failed.out.contains("img-o3ycss2p"), "{failed:?}");
}

#[test]
fn images_of_several_regions_stand_side_by_side() {
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    ran(&local, &["sync", "img-o3ycss2p", "--to", "ap-guangzhou", "--no-wait"]).ended_with(0);
    let images = ran(&local, &["images", "--regions", "ap-shanghai,ap-guangzhou,ap-beijing"]).ended_with(0);
    let heading: Vec<&str> = images.out.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(heading, ["NAME", "ap-shanghai", "ap-guangzhou", "ap-beijing"]);
    let row = images.out.lines().find(|line| line.starts_with("base-ubuntu-22.04")).unwrap();
    assert!(row.contains("img-o3ycss2p SYNCING 0 %") && row.ends_with(" -"), "{row}");
    let everywhere = ran(&local, &["images", "--all-regions", "--output", "json"]).ended_with(0).json();
    let regions: Vec<_> =
        everywhere.as_array().unwrap().iter().map(|image| image["Region"].clone()).collect();
    assert!(regions.contains(&"ap-guangzhou".into()) && regions.contains(&"me-saudi-arabia".into()));
}

#[test]
fn a_mistyped_region_gets_the_name_that_was_meant_from_every_command() {
    let local = CvmLocal::start().unwrap();
    for args in [
        &["images", "--region", "ap-guangzou"][..],
        &["images", "--regions", "ap-shanghai,ap-guangzou"],
        &["quota", "--region", "ap-guangzou"],
        &["quota", "--regions", "ap-shanghai,guangzhou"],
        &["call", "DescribeImages", "--region", "ap-guangzou"],
        &["call", "DescribeImages", "--region", "guangzhou", "--all-pages"],
        &["call", "DescribeImages", "--region", "ap-guangzou", "--wait", "ImageSet"],
    ] {
        let ran = ran(&local, args).ended_with(5);
        assert!(ran.err.contains("did you mean `ap-guangzhou`?"), "{args:?}: {ran:?}");
        assert!(ran.err.contains("DescribeImage") && ran.err.matches("cvm:").count() == 1, "{ran:?}");
    }
    // Another value that is wrong has nothing to do with the region.
    let ran = ran(&local, &["call", "DescribeImages", "Filters.0.Name=no", "Filters.0.Values=x"]);
    assert!(ran.ended_with(5).err.contains("InvalidFilter"));
    // Where the list cannot be had, the service's own words stay.
    local.faults().push(Fault::error("UnauthorizedOperation").on("DescribeRegions")).unwrap();
    let ran = self::ran(&local, &["images", "--region", "ap-guangzou"]).ended_with(5);
    assert!(!ran.err.contains("UnauthorizedOperation"), "{ran:?}");
}

#[test]
fn a_region_that_does_not_answer_hides_no_other() {
    let local = CvmLocal::start().unwrap();
    local.faults().push(Fault::error("UnauthorizedOperation").in_region("ap-beijing")).unwrap();
    let images = ran(&local, &["images", "--regions", "ap-shanghai,ap-beijing"]).ended_with(5);
    assert!(
        images.out.contains("img-o3ycss2p") && images.err.contains("UnauthorizedOperation"),
        "{images:?}"
    );
    let quota = ran(&local, &["quota", "--regions", "ap-shanghai,ap-beijing"]).ended_with(5);
    assert!(quota.out.contains("500") && quota.out.contains("UnauthorizedOperation"), "{quota:?}");
    assert!(quota.err.contains("DescribeImages in ap-beijing: "), "{quota:?}");
}

#[test]
fn quotas_of_all_regions() {
    let quota = run(&["quota", "--local", "--output", "json"]).ended_with(0).json();
    let of =
        |region: &str| quota.as_array().unwrap().iter().find(|of| of["region"] == region).cloned().unwrap();
    let riyadh = of("me-saudi-arabia");
    assert_eq!((&riyadh["images"], &riyadh["quota"], &riyadh["left"]), (&2.into(), &2.into(), &0.into()));
    assert_eq!(of("ap-guangzhou")["quota"], 500);
    let table = run(&["quota", "--local"]).ended_with(0);
    assert!(table.out.lines().count() > 10 && table.out.starts_with("REGION"), "{table:?}");
}

#[test]
fn manual_pages_know_the_commands() {
    let page = run(&["man"]).ended_with(0).out;
    assert!(page.starts_with(".ie") && page.contains("cvm\\-sync(1)"), "{page}");
    let folder = Folder::new("man");
    run(&["man", "--dir", folder.0.to_str().unwrap()]).ended_with(0);
    let sync = std::fs::read_to_string(folder.0.join("cvm-sync.1")).unwrap();
    assert!(sync.contains("on\\-conflict"), "{sync}");
    run(&["man", "--dir", folder.0.join("none").to_str().unwrap()]).ended_with(1);
}
