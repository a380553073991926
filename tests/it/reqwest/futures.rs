//! What only an async client has: futures that can be sent to another thread, and dropped.

use std::time::Duration;

use cvm_conformance::server::{Act, EMPTY, Server};
use cvm_conformance::settings;
use cvm_reqwest::api::DescribeImages;
use cvm_reqwest::{Client, FromSettings, ImageSync};
use tokio::runtime::Builder;

#[test]
fn futures_can_be_sent_to_another_thread() {
    fn check(future: impl Future + Send) {
        drop(future);
    }
    let client = Client::from_settings(settings("http://127.0.0.1:1")).unwrap();
    check(client.send(DescribeImages::default()));
    check(client.call("DescribeImages", serde_json::json!({})));
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
