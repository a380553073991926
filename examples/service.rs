//! A web service that copies images, and shuts down gracefully: `cargo run -p cvm-examples --example service`
//!
//! A copy takes longer than anybody waits for a service to stop. A cancel ends the job within seconds, and its report says
//! which copies were started: whoever asked is told, and can ask again later. Here the service is its own first user, and
//! is stopped while a copy is under way.

#[path = "hyper/exchange.rs"]
#[allow(dead_code)]
mod exchange;

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{Json, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use cvm_reqwest::api::DescribeImages;
use cvm_reqwest::{Cancel, Client, Error, ErrorKind, FromSettings, ImageSync, SyncReport};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::exchange::hyper_client;

/// What every handler has.
#[derive(Clone)]
struct App {
    client: Client,
    cancel: Cancel,
}

async fn images(State(app): State<App>, Path(region): Path<String>) -> Result<Json<Vec<String>>, Refusal> {
    let mut images = app.client.with_region(&region)?.items(DescribeImages::default());
    let mut ids = Vec::new();
    while let Some(image) = images.next().await {
        ids.push(image?.image_id);
    }
    Ok(Json(ids))
}

async fn copy(
    State(app): State<App>,
    Path((image, region)): Path<(String, String)>,
) -> Result<Json<SyncReport>, Refusal> {
    let job = ImageSync::new(image).to([region]).cancel_with(&app.cancel);
    Ok(Json(app.client.run(job, |_| ()).await?))
}

/// An error of the client as an answer of the service.
struct Refusal(Error);

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self.0.kind() {
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::Parameter => StatusCode::BAD_REQUEST,
            ErrorKind::State | ErrorKind::Quota => StatusCode::CONFLICT,
            ErrorKind::Throttled => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::BAD_GATEWAY,
        };
        (status, self.0.to_string()).into_response()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (settings, _local) = cvm_examples::settings()?;
    let app = App { client: Client::from_settings(settings)?, cancel: Cancel::new() };
    let cancel = app.cancel.clone();
    let router = Router::new()
        .route("/images/{region}", get(images))
        .route("/copies/{image}/{region}", post(copy))
        .with_state(app);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = stopped => {}
        }
        // The jobs end, so the requests that wait for them do, and so does the service.
        cancel.cancel();
    });
    let (end, report) = tokio::join!(server.into_future(), first_user(address, stop));
    end?;
    println!("stopped gracefully: {}", report?);
    Ok(())
}

/// Asks for a copy, and stops the service once the copy is there to be seen. What was said of the copy.
async fn first_user(
    address: SocketAddr,
    stop: oneshot::Sender<()>,
) -> Result<Value, Box<dyn std::error::Error>> {
    let http = hyper_client();
    let ask = async |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(format!("http://{address}{path}"));
        let answer = http.request(request.body(Full::default())?).await?.into_body().collect().await?;
        Ok::<Value, Box<dyn std::error::Error>>(serde_json::from_slice(&answer.to_bytes())?)
    };
    let before = ask("GET", "/images/ap-guangzhou").await?;
    let watch = async {
        while ask("GET", "/images/ap-guangzhou").await? == before {}
        stop.send(()).map_err(|()| "the service has stopped by itself")?;
        Ok::<(), Box<dyn std::error::Error>>(())
    };
    let (report, watched) = tokio::join!(ask("POST", "/copies/img-o3ycss2p/ap-guangzhou"), watch);
    watched?;
    Ok(report?["destinations"][0]["outcome"].take())
}
