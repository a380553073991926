//! Lists that come in pages, in virtual time.

use std::time::Duration;

use cvm_proto::api::{DescribeImages, DescribeInstances, DescribeResourcePoolPacks, DescribeTaskInfo};
use cvm_proto::{AnyList, ErrorKind, Machine, Now, Paged, Pages, Reply, Step, TextList};
use serde_json::{Value, json};

use crate::driver::{Run, answer, config, not_sent, ok, refused, run};

/// A service with `total` images, which a request pages through.
fn serve(total: u64, body: &Value) -> Reply {
    let offset = body["Offset"].as_u64().unwrap_or(0);
    let limit = body["Limit"].as_u64().unwrap_or(20);
    let ids: Vec<_> =
        (offset..total.min(offset + limit)).map(|n| json!({"ImageId": format!("img-{n:08}")})).collect();
    ok(&format!(r#""ImageSet":{},"TotalCount":{total},"#, json!(ids)))
}

fn pages<L: Paged>(
    list: L,
    mut reply: impl FnMut(&Value) -> Reply,
) -> Run<Result<(), cvm_proto::Error>, Vec<L::Item>> {
    run(Pages::new(&config(), list, 3), |request, _| reply(&serde_json::from_slice(request.body()).unwrap()))
}

#[test]
fn every_item_comes_once() {
    for total in [0, 1, 99, 100, 101, 250] {
        let run = pages(DescribeImages::default(), |body| serve(total, body));
        run.output.unwrap();
        let ids: Vec<_> = run.progress.iter().flatten().map(|image| image.image_id.clone()).collect();
        assert_eq!(ids, (0..total).map(|n| format!("img-{n:08}")).collect::<Vec<_>>(), "{total}");
        assert_eq!(
            run.seen.len() as u64,
            total.div_ceil(100).max(1),
            "{total}: the largest pages, and no empty one"
        );
    }
}

#[test]
fn the_callers_page_size_and_start_are_kept() {
    let run = pages(DescribeImages::default().limit(7).offset(30), |body| {
        assert_eq!(body["Limit"], json!(7));
        serve(50, body)
    });
    assert_eq!(run.progress.iter().map(Vec::len).collect::<Vec<_>>(), [7, 7, 6]);
    assert_eq!(run.progress[0][0].image_id, "img-00000030");
}

#[test]
fn a_list_that_shrinks_ends() {
    let mut total = 250;
    let run = pages(DescribeImages::default(), |body| {
        let reply = serve(if total == 250 { 250 } else { 90 }, body);
        total = 90;
        reply
    });
    run.output.unwrap();
    assert_eq!(run.seen.len(), 2);
}

#[test]
fn a_page_that_fails_is_repeated_and_a_refusal_ends_the_list() {
    let mut failures = 2;
    let mut run = pages(DescribeImages::default(), |body| {
        if body["Offset"] == json!(100) && failures > 0 {
            failures -= 1;
            return not_sent();
        }
        serve(150, body)
    });
    run.output.unwrap();
    assert_eq!(run.progress.iter().map(Vec::len).sum::<usize>(), 150);

    run = pages(DescribeImages::default(), |body| {
        if body["Offset"] == json!(100) { refused("InvalidFilter") } else { serve(150, body) }
    });
    assert_eq!(run.output.unwrap_err().kind(), ErrorKind::Parameter);
    assert_eq!(run.progress.len(), 1, "what came before is told");
}

#[test]
fn each_form_of_paging_goes_on_to_the_end() {
    let run = pages(DescribeInstances::default(), |body| {
        let offset = body["Offset"].as_i64().unwrap_or(0);
        let set = json!([{"InstanceId": format!("ins-{offset}")}]);
        ok(&format!(r#""InstanceSet":{},"TotalCount":2,"#, if offset < 2 { set } else { json!([]) }))
    });
    assert_eq!(run.progress.len(), 2);

    let run = pages(DescribeTaskInfo::new(1, 0), |body| {
        let offset = body["Offset"].as_i64().unwrap();
        let set = if offset < 3 { json!([{"TaskId": format!("t-{offset}")}]) } else { json!([]) };
        ok(&format!(r#""RepairTaskInfoSet":{set},"TotalCount":3,"#))
    });
    assert_eq!(run.progress.len(), 3, "limit and offset are required here");

    let run = pages(DescribeResourcePoolPacks::default(), |body| {
        assert_eq!(body["MaxResults"], json!(100));
        let next = match body["NextToken"].as_str() {
            None => r#""a""#,
            Some("a") => r#""b""#,
            Some(_) => "null",
        };
        let id = body["NextToken"].as_str().unwrap_or("first");
        ok(&format!(
            r#""DedicatedResourcePackSet":[{{"DedicatedResourcePackId":"{id}"}}],"NextToken":{next},"#
        ))
    });
    assert_eq!(run.progress.len(), 3);
}

#[test]
fn lists_come_by_the_actions_name_too() {
    let run = pages(AnyList::new("DescribeImages", Value::Null).unwrap(), |body| serve(250, body));
    run.output.unwrap();
    assert_eq!(run.progress.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50]);
    assert_eq!(run.progress[2][49], json!({"ImageId": "img-00000249"}));
    for (name, parameters) in
        [("SyncImages", json!({})), ("NoSuchAction", json!({})), ("DescribeImages", json!([]))]
    {
        assert_eq!(AnyList::new(name, parameters).unwrap_err().kind(), ErrorKind::Parameter, "{name}");
    }
}

#[test]
fn another_machine_has_the_rest_of_a_list() {
    let mut first = Pages::new(&config(), DescribeImages::default(), 3);
    for page in 0..=3 {
        let rest = run(first.rest(&config(), 4), |request, _| {
            serve(250, &serde_json::from_slice(request.body()).unwrap())
        });
        let left: Vec<_> = rest.progress.iter().flatten().map(|image| image.image_id.clone()).collect();
        let from = 250.min(page * 100);
        assert_eq!(left, (from..250).map(|n| format!("img-{n:08}")).collect::<Vec<_>>());
        assert_eq!(rest.seen.len() as u64, 3 - page, "no page is asked for twice");
        let now = Now::new(1_551_113_065, Duration::from_secs(1000 + page));
        if let Step::Send(request) = first.poll(now) {
            first.reply(now, serve(250, &serde_json::from_slice(request.body()).unwrap()));
            assert!(matches!(first.poll(now), Step::Progress(_)));
        }
    }
}

#[test]
fn a_list_whose_pages_repeat_ends_with_an_error() {
    // The service forgets the offset, or says that there are always more.
    let always = |from: u64| {
        let ids: Vec<_> = (from..from + 100).map(|n| json!({"ImageId": format!("img-{n:08}")})).collect();
        move |_: &Value| ok(&format!(r#""ImageSet":{},"TotalCount":100000,"#, json!(ids)))
    };
    let check = |output: Result<(), cvm_proto::Error>, requests: usize| {
        let error = output.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Response);
        assert!(error.to_string().contains("a page came that repeats an earlier one"), "{error}");
        assert_eq!(requests, 2);
    };
    let typed = pages(DescribeImages::default(), always(0));
    check(typed.output, typed.seen.len());
    let any = pages(AnyList::new("DescribeImages", Value::Null).unwrap(), always(7));
    check(any.output, any.seen.len());
    let mut number = 0;
    let text = pages(TextList::new("DescribeImages", "{}").unwrap(), |_| {
        number += 1;
        answer(
            200,
            &format!(
                r#"{{"Response":{{"TotalCount":900,"ImageSet":[{{"ImageId":"a"}}],"RequestId":"r-{number}"}}}}"#
            ),
        )
    });
    check(text.output, text.seen.len());
    assert_eq!(text.progress.len(), 1, "what came before is told");
}

#[test]
fn pages_that_go_round_end_a_list_with_an_error() {
    let total = u64::MAX / 2;
    for round in [2, 3, 7, 10, 100] {
        let mut page = 0;
        let list = pages(DescribeImages::default(), |_| {
            page += 1;
            let id = page % round;
            ok(&format!(r#""ImageSet":[{{"ImageId":"img-{id:08}"}}],"TotalCount":{total},"#))
        });
        let error = list.output.unwrap_err().to_string();
        assert!(error.contains("repeats an earlier one"), "{error}");
        assert!(list.seen.len() <= 3 * round + 3, "{} pages of {round}", list.seen.len());
    }
}

#[test]
fn a_list_that_counts_nothing_ends_with_an_error_too() {
    let mut number = 0;
    let list = pages(DescribeResourcePoolPacks::default(), |_| {
        number += 1;
        let packs: Vec<_> =
            (0..20_000).map(|n| json!({"DedicatedResourcePackId": format!("p-{number}-{n}")})).collect();
        ok(&format!(r#""DedicatedResourcePackSet":{},"NextToken":"{number}","#, json!(packs)))
    });
    let error = list.output.unwrap_err().to_string();
    assert!(error.contains("the list does not end: 1020000 have come"), "{error}");
    assert_eq!(list.progress.iter().map(Vec::len).sum::<usize>(), 1_000_000);
}

#[test]
fn a_list_that_brings_more_than_it_promised_ends_with_an_error() {
    let endless = |total: u64| {
        let mut next = 0;
        move |_: &Value| {
            next += 100;
            let ids: Vec<_> = (next..next + 100).map(|n| json!({"ImageId": format!("img-{n:08}")})).collect();
            let total = total.max(next + 1000);
            ok(&format!(r#""ImageSet":{},"TotalCount":{total},"#, json!(ids)))
        }
    };
    for (total, most) in [(1100, 10_000), (9_000, 18_000), (20_000, 40_000)] {
        let list = pages(DescribeImages::default(), endless(total));
        let error = list.output.unwrap_err().to_string();
        assert!(error.contains("the list does not end"), "{error}");
        assert_eq!(list.progress.iter().map(Vec::len).sum::<usize>() as u64, most, "{total}");
        let list = pages(TextList::new("DescribeImages", "{}").unwrap(), endless(total));
        assert!(list.output.is_err() && list.progress.len() as u64 == most / 100);
    }
}

#[test]
fn a_list_that_has_grown_is_read_to_its_end() {
    let mut total = 150;
    let list = pages(DescribeImages::default(), |body| {
        total = 400;
        serve(if body["Offset"].as_u64() == Some(0) { 150 } else { total }, body)
    });
    list.output.unwrap();
    assert_eq!(list.progress.iter().map(Vec::len).sum::<usize>(), 400);
}
