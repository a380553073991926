//! Lists that come in pages, in virtual time.

use std::time::Duration;

use cvm_proto::api::{DescribeImages, DescribeInstances, DescribeResourcePoolPacks, DescribeTaskInfo};
use cvm_proto::{
    AnyList, Credential, ErrorKind, Machine, Now, Paged, Pages, Reply, Resumable, Settings, Step, TextList,
};
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

/// A service with a list of `total` packs, whose pages are asked for by token.
fn serve_packs(total: u64, body: &Value) -> Reply {
    let from = body["NextToken"].as_str().map_or(0, |token| token[1..].parse().unwrap());
    let until = total.min(from + body["MaxResults"].as_u64().unwrap());
    let packs: Vec<_> = (from..until).map(|n| json!({"DedicatedResourcePackId": format!("p-{n}")})).collect();
    let next = if until < total { json!(format!("t{until}")) } else { Value::Null };
    ok(&format!(r#""DedicatedResourcePackSet":{},"NextToken":{next},"#, json!(packs)))
}

/// Reads `list` until `items` have been read, and the rest by a token: the ids of all of them, and of the rest.
fn left_and_resumed<L: Resumable>(
    list: &L,
    items: usize,
    serve: impl Fn(&Value) -> Reply,
    ids: impl Fn(Vec<L::Item>) -> Vec<String>,
) -> (Vec<String>, Option<Vec<String>>) {
    let mut first = Pages::new(&config(), list.clone(), 3);
    let mut now = Now::new(1_551_113_065, Duration::from_secs(1000));
    let (mut read, mut left) = (Vec::new(), 0);
    while read.len() < items {
        match first.poll(now) {
            Step::Send(request) => first.reply(now, serve(&serde_json::from_slice(request.body()).unwrap())),
            Step::WaitUntil(mono) => now.mono = mono,
            Step::Progress(page) => {
                let page = ids(page);
                let taken = page.len().min(items - read.len());
                left = page.len() - taken;
                read.extend_from_slice(&page[..taken]);
            }
            Step::Done(outcome) => outcome.unwrap(),
        }
    }
    let rest = first.place().resume_token(left).map(|token| {
        let rest = run(Pages::resume(&config(), list, &token, 4).unwrap(), |request, _| {
            serve(&serde_json::from_slice(request.body()).unwrap())
        });
        rest.output.unwrap();
        rest.progress.into_iter().flat_map(&ids).collect::<Vec<_>>()
    });
    (read, rest)
}

/// The ids in a page that is a text.
fn ids_of_text(name: &str, id: &str, page: &[cvm_proto::AnswerText]) -> Vec<String> {
    let page: Value = serde_json::from_str(page[0].as_str()).unwrap();
    page[name].as_array().unwrap().iter().map(|item| item[id].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_list_that_was_left_is_resumed_by_its_token_wherever_it_was_left() {
    let images: Vec<_> = (0..10).map(|n| format!("img-{n:08}")).collect();
    let packs: Vec<_> = (0..10).map(|n| format!("p-{n}")).collect();
    for left_at in 0..=10 {
        let check = |all: &[String], (read, rest): (Vec<String>, Option<Vec<String>>)| {
            assert_eq!(read, all[..left_at]);
            assert_eq!(rest.as_deref(), (left_at < 10).then(|| &all[left_at..]), "{left_at}");
        };
        let by_offset = |body: &Value| serve(10, body);
        let typed = DescribeImages::default().limit(4);
        check(
            &images,
            left_and_resumed(&typed, left_at, by_offset, |page| {
                page.into_iter().map(|image| image.image_id).collect()
            }),
        );
        let any = AnyList::new("DescribeImages", json!({"Limit": 4})).unwrap();
        check(
            &images,
            left_and_resumed(&any, left_at, by_offset, |page| {
                page.into_iter().map(|image| image["ImageId"].as_str().unwrap().to_owned()).collect()
            }),
        );
        let text = TextList::new("DescribeImages", r#"{"Limit":4}"#).unwrap();
        check(
            &images,
            left_and_resumed(&text, left_at, by_offset, |page| ids_of_text("ImageSet", "ImageId", &page)),
        );

        let by_token = |body: &Value| serve_packs(10, body);
        let typed = DescribeResourcePoolPacks::default().max_results(4);
        check(
            &packs,
            left_and_resumed(
                &typed,
                left_at,
                |body| {
                    // The typed form knows that the service takes no smaller pages than of ten.
                    serve_packs(10, &json!({"MaxResults": 4, "NextToken": body["NextToken"]}))
                },
                |page| page.into_iter().map(|pack| pack.dedicated_resource_pack_id).collect(),
            ),
        );
        let text = TextList::new("DescribeResourcePoolPacks", r#"{"MaxResults":4}"#).unwrap();
        check(
            &packs,
            left_and_resumed(&text, left_at, by_token, |page| {
                ids_of_text("DedicatedResourcePackSet", "DedicatedResourcePackId", &page)
            }),
        );
    }
}

#[test]
fn a_list_that_was_resumed_is_left_and_resumed_again() {
    let list = TextList::new("DescribeResourcePoolPacks", r#"{"MaxResults":4}"#).unwrap();
    let mut token = Pages::new(&config(), list.clone(), 1).place().resume_token(0);
    let mut read = Vec::new();
    while let Some(from) = token {
        // One item at a time, with pages of another size than those that were left.
        let list = TextList::new("DescribeResourcePoolPacks", r#"{"MaxResults":3}"#).unwrap();
        let mut pages = Pages::resume(&config(), &list, &from, 1).unwrap();
        let now = Now::new(1_551_113_065, Duration::from_secs(1000));
        let page = loop {
            match pages.poll(now) {
                Step::Send(request) => {
                    pages.reply(now, serve_packs(10, &serde_json::from_slice(request.body()).unwrap()));
                }
                Step::Progress(page) => {
                    break ids_of_text("DedicatedResourcePackSet", "DedicatedResourcePackId", &page);
                }
                other => panic!("{other:?}"),
            }
        };
        read.push(page[0].clone());
        token = pages.place().resume_token(page.len() - 1);
    }
    assert_eq!(read, (0..10).map(|n| format!("p-{n}")).collect::<Vec<_>>());
}

#[test]
fn a_list_that_broke_off_is_resumed_where_it_broke() {
    let list = DescribeImages::default().limit(4);
    let mut pages = Pages::new(&config(), list.clone(), 3);
    let mut now = Now::new(1_551_113_065, Duration::from_secs(1000));
    let error = loop {
        match pages.poll(now) {
            Step::Send(request) => {
                let body: Value = serde_json::from_slice(request.body()).unwrap();
                let is_second = body["Offset"] == json!(4);
                pages.reply(now, if is_second { refused("UnauthorizedOperation") } else { serve(10, &body) });
            }
            Step::Progress(page) => assert_eq!(page.len(), 4),
            Step::Done(outcome) => break outcome.unwrap_err(),
            Step::WaitUntil(mono) => now.mono = mono,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Credential);
    let token = pages.place().resume_token(0).unwrap();
    let rest = run(Pages::resume(&config(), &list, &token, 3).unwrap(), |request, _| {
        serve(10, &serde_json::from_slice(request.body()).unwrap())
    });
    assert_eq!(rest.progress.into_iter().flatten().next().unwrap().image_id, "img-00000004");
}

#[test]
fn a_token_belongs_to_one_list() {
    let list = |parameters: Value| AnyList::new("DescribeImages", parameters).unwrap();
    let filter = json!([{"Name": "image-type", "Values": ["PRIVATE_IMAGE"]}]);
    let begun = Pages::new(&config(), list(json!({"Filters": filter, "InstanceType": "S5", "Limit": 4})), 3);
    let token = begun.place().resume_token(0).unwrap();
    assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{token}");
    let refusal = |list: AnyList, token: &str| {
        let error = Pages::resume(&config(), &list, token, 3).unwrap_err();
        assert_eq!((error.kind(), error.action()), (ErrorKind::Parameter, Some(list.action())));
        error.to_string()
    };
    // The order of members, the page's size, where it begins and what is not given make no other list.
    let reordered = json!([{"Values": ["PRIVATE_IMAGE"], "Name": "image-type"}]);
    let same = list(json!({"InstanceType": "S5", "Offset": 40, "ImageIds": null, "Filters": reordered}));
    assert!(Pages::resume(&config(), &same, &token, 3).is_ok());

    let other = refusal(list(json!({"InstanceType": "S5"})), &token);
    assert!(other.contains("the resume token is of a list with other parameters: give those"), "{other}");
    let other = refusal(AnyList::new("DescribeInstances", json!({})).unwrap(), &token);
    assert!(other.contains("the resume token is of a list of DescribeImages: resume that one"), "{other}");
    let mut settings = Settings::default();
    settings.credential = Some(Credential::new("AKIDexample", "not-a-real-key").unwrap());
    settings.region = Some("ap-beijing".into());
    let beijing = cvm_proto::Config::new(settings).unwrap();
    let other = Pages::resume(&beijing, &same, &token, 3).unwrap_err().to_string();
    assert!(other.contains("in the region ap-shanghai: resume it with a client for it"), "{other}");
    for wrong in ["", "img-1", &token[1..], &token[..token.len() - 3], "bnVsbA", "镜像"] {
        let unreadable = refusal(same.clone(), wrong);
        assert!(unreadable.contains("the resume token cannot be read"), "{unreadable}");
    }
}
