//! A credential from a vault that is asked asynchronously: `cargo run -p cvm-examples --example vault`
//!
//! The client asks when it has no credential, and again before the one it has expires; one question serves all calls. Here
//! the vault is a task of the same program.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cvm_proto::credential::Lease;
use cvm_reqwest::api::{DescribeImages, DescribeInstances, DescribeZones};
use cvm_reqwest::{Client, Credential, Error, FromSettings, provider_fn};
use tokio::sync::{mpsc, oneshot};

/// How long a credential of the vault is good.
const LIFE: Duration = Duration::from_secs(3600);

/// Whoever asks leaves a place for the answer.
type Question = oneshot::Sender<Credential>;

/// Answers each question with the same credential, and says so.
async fn vault(credential: Credential, mut questions: mpsc::Receiver<Question>) {
    while let Some(question) = questions.recv().await {
        println!("the vault was asked");
        // Whoever asked may have gone away.
        let _ = question.send(credential.clone());
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut settings, _local) = cvm_examples::settings()?;
    let (ask, questions) = mpsc::channel(1);
    let credential = settings.credential.take().ok_or("the endpoint's settings have a credential")?;
    tokio::spawn(vault(credential, questions));

    let provider = provider_fn(move || {
        let ask = ask.clone();
        async move {
            let (question, answer) = oneshot::channel();
            let sealed =
                |error: &dyn std::fmt::Display| Error::credential(format!("the vault is sealed: {error}"));
            ask.send(question).await.map_err(|error| sealed(&error))?;
            let credential = answer.await.map_err(|error| sealed(&error))?;
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            Ok(Lease::until(credential, (now + LIFE).as_secs()))
        }
    });
    settings.provider = Some(std::sync::Arc::new(provider));
    let client = Client::from_settings(settings)?;

    let (zones, images, instances) = tokio::try_join!(
        client.send(DescribeZones::default()),
        client.send(DescribeImages::default()),
        client.send(DescribeInstances::default()),
    )?;
    println!(
        "{} zones, {} images, {} instances",
        zones.total_count, images.total_count, instances.total_count
    );
    Ok(())
}
