//! What only an async client has: futures that can be sent to another thread, and dropped.

use std::sync::{Mutex, mpsc};
use std::time::Duration;

use cvm_reqwest::api::DescribeImages;
use cvm_reqwest::{Client, FromSettings, ImageSync};
use cvm_scenarios::server::{Act, EMPTY, Server};
use cvm_scenarios::settings;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use tokio::runtime::Builder;

#[test]
fn futures_can_be_sent_to_another_thread() {
    fn check(future: impl Future + Send) {
        drop(future);
    }
    let client = Client::from_settings(settings("http://127.0.0.1:1")).unwrap();
    check(client.send(DescribeImages::default()));
    check(client.call("DescribeImages", serde_json::json!({})));
    check(client.items(DescribeImages::default()).into_future());
    check(client.pages(DescribeImages::default()).into_future());
    check(client.run(ImageSync::new("img-o3ycss2p").to(["ap-guangzhou"]), |_| ()));
}

#[test]
fn dropping_a_future_cancels_its_exchange() {
    let server = Server::start(|number, _| if number == 0 { Act::Stall(Vec::new()) } else { Act::ok(EMPTY) });
    let client = Client::from_settings(settings(&server.endpoint())).unwrap();
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let call = client.send(DescribeImages::default());
        let cut_short = tokio::time::timeout(Duration::from_millis(200), call).await;
        assert!(cut_short.is_err(), "the server does not answer");
    });
    // The stalled connection ends when the client closes its side: nobody waits for the answer in the background.
    server.wait_for_closed(1);
    runtime.block_on(client.send(DescribeImages::default())).unwrap();
    assert_eq!(server.received().len(), 2);
}

#[test]
fn a_list_goes_on_after_a_dropped_wait_for_its_next_item() {
    let (go, gone) = mpsc::channel();
    let gone = Mutex::new(gone);
    let server = Server::start(move |_, _| {
        gone.lock().unwrap().recv().unwrap();
        Act::ok(r#"{"Response":{"ImageSet":[{"ImageId":"img-1"}],"TotalCount":1,"RequestId":"r-1"}}"#)
    });
    let client = Client::from_settings(settings(&server.endpoint())).unwrap();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut images = client.items(DescribeImages::default());
        assert!(images.next().now_or_never().is_none(), "the server does not answer yet");
        go.send(()).unwrap();
        let images: Vec<_> = images.try_collect().await.unwrap();
        assert_eq!(images[0].image_id, "img-1");
    });
    assert_eq!(server.received().len(), 1, "the request that was under way is not sent again");
}
