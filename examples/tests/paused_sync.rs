//! A test of a program that copies images, which takes no time: an exchange in memory, and tokio's clock paused.
//!
//! What a user of `cvm-reqwest` writes to test a job that takes half an hour.

#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cvm_reqwest::{Client, Credential, Exchange, ImageSync, Reply, Request, Response};
use serde_json::{Value, json};
use tokio::time::Instant;

/// An image somewhere, and when it can be used.
struct Image {
    region: String,
    id: String,
    name: String,
    ready: Instant,
}

/// The part of the service that the job meets.
#[derive(Clone)]
struct Service(Arc<Mutex<Vec<Image>>>);

/// How long a copy takes.
const COPYING: Duration = Duration::from_secs(25 * 60);

impl Service {
    fn with_image(region: &str, id: &str, name: &str) -> Self {
        let (region, id, name) = (region.into(), id.into(), name.into());
        Self(Arc::new(Mutex::new(vec![Image { region, id, name, ready: Instant::now() }])))
    }

    /// The ids of the images in a region.
    fn images_in(&self, region: &str) -> Vec<String> {
        let images = self.0.lock().unwrap();
        images.iter().filter(|image| image.region == region).map(|image| image.id.clone()).collect()
    }

    fn answer(&self, action: &str, region: &str, parameters: &Value) -> Value {
        match action {
            "DescribeImageQuota" => json!({ "ImageNumQuota": 500 }),
            "DescribeImages" => self.describe(region, parameters),
            "SyncImages" => self.copy(parameters),
            other => panic!("the job asks for {other}, which this service does not have"),
        }
    }

    fn describe(&self, region: &str, parameters: &Value) -> Value {
        let wanted = |image: &Image| {
            let is_among = |values: &Value, text: &str| {
                values.as_array().is_none_or(|values| values.iter().any(|value| value == text))
            };
            let filters = parameters["Filters"].as_array().into_iter().flatten();
            let mut by_name = filters.filter(|filter| filter["Name"] == "image-name");
            is_among(&parameters["ImageIds"], &image.id)
                && by_name.all(|filter| is_among(&filter["Values"], &image.name))
        };
        let images = self.0.lock().unwrap();
        let found: Vec<_> = images
            .iter()
            .filter(|image| image.region == region && wanted(image))
            .map(|image| {
                let state = if Instant::now() < image.ready { "SYNCING" } else { "NORMAL" };
                json!({
                    "ImageId": image.id,
                    "ImageName": image.name,
                    "ImageState": state,
                    "ImageType": "PRIVATE_IMAGE",
                    "ImageSize": 50,
                    "CreatedTime": "2026-11-24T00:00:00Z",
                })
            })
            .collect();
        json!({ "TotalCount": found.len(), "ImageSet": found })
    }

    fn copy(&self, parameters: &Value) -> Value {
        let mut images = self.0.lock().unwrap();
        let name = parameters["ImageName"].as_str().unwrap().to_owned();
        let regions = parameters["DestinationRegions"].as_array().unwrap();
        let copies: Vec<_> = regions
            .iter()
            .map(|region| {
                let region = region.as_str().unwrap().to_owned();
                let id = format!("img-{:08}", images.len());
                images.push(Image {
                    region: region.clone(),
                    id: id.clone(),
                    name: name.clone(),
                    ready: Instant::now() + COPYING,
                });
                json!({ "ImageId": id, "Region": region })
            })
            .collect();
        json!({ "ImageSet": copies })
    }
}

impl Exchange for Service {
    async fn exchange(&self, request: Request) -> Reply {
        let parameters = serde_json::from_slice(request.body()).unwrap();
        let mut answer = self.answer(request.action(), request.region().unwrap_or_default(), &parameters);
        answer["RequestId"] = "r-1".into();
        Reply::Response(Response::new(200, json!({ "Response": answer }).to_string().into_bytes()))
    }
}

fn client(service: &Service) -> Client {
    let client = Client::builder()
        .credential(Credential::new("AKIDexample", "not-a-real-key").unwrap())
        .region("ap-shanghai")
        .build();
    client.unwrap().with_exchange(service.clone())
}

#[tokio::test(start_paused = true)]
async fn half_an_hour_of_copying_takes_no_time() {
    let service = Service::with_image("ap-shanghai", "img-o3ycss2p", "base");
    let job = ImageSync::new("img-o3ycss2p").to(["ap-guangzhou", "ap-beijing"]);
    let (began, began_outside) = (Instant::now(), std::time::Instant::now());
    let report = client(&service).run(job, |_| ()).await.unwrap();

    assert!(report.is_complete(), "{report:?}");
    assert_eq!(service.images_in("ap-beijing").len(), 1);
    assert!(began.elapsed() >= COPYING && began.elapsed() < 2 * COPYING, "{:?}", began.elapsed());
    assert!(began_outside.elapsed() < Duration::from_secs(10), "{:?}", began_outside.elapsed());
}
