//! A small image service on virtual time, for the sync job to run against.

use std::collections::BTreeMap;

use cvm_proto::{Reply, Request};
use serde_json::{Value, json};

use crate::driver::{answer, lost, not_sent, ok, refused};

pub(crate) const HOME: &str = "ap-shanghai";

/// When the sources were made: long before the tests' time.
const OLD: &str = "2018-12-01T00:00:00Z";

/// What becomes of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Fine,
    Fails,
    Never,
}

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Error(&'static str),
    BadGateway,
    /// The connection is not even made.
    NotSent,
    /// The connection breaks, and no work was done.
    DropBefore,
    /// The work is done, and no answer comes.
    DropAfter,
    /// The work is done, and half of the answer comes.
    Truncated,
}

#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub id: String,
    pub name: String,
    pub os: &'static str,
    pub size: i64,
    pub kind: &'static str,
    pub created: String,
    pub description: String,
    pub family: String,
    pub tags: Vec<(&'static str, &'static str)>,
    /// The source that it is a copy of.
    pub source: Option<String>,
    pub state: &'static str,
    /// Not to be seen before this time.
    pub visible_from: u64,
    pub copying: Option<(u64, Fate)>,
    pub outgoing: Vec<(u64, Fate)>,
}

impl Image {
    pub(crate) fn new(id: &str, name: &str) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            os: "Ubuntu Server 22.04 LTS 64bit",
            size: 50,
            kind: "PRIVATE_IMAGE",
            created: OLD.into(),
            description: String::new(),
            family: String::new(),
            tags: Vec::new(),
            source: None,
            state: "NORMAL",
            visible_from: 0,
            copying: None,
            outgoing: Vec::new(),
        }
    }

    pub(crate) fn state(&self, now: u64, length: u64) -> (&'static str, Option<u64>) {
        let running = |&(since, fate): &(u64, Fate)| fate == Fate::Never || now < since + length;
        let percent = |&(since, _): &(u64, Fate)| (now.saturating_sub(since) * 100 / length.max(1)).min(99);
        if let Some(percent) = self.outgoing.iter().filter(|copy| running(copy)).map(percent).min() {
            return ("SYNCING", Some(percent));
        }
        match &self.copying {
            None => (self.state, None),
            Some(copy) if running(copy) => ("SYNCING", Some(percent(copy))),
            Some((_, Fate::Fails)) => ("CREATEFAILED", None),
            Some(_) => ("NORMAL", Some(100)),
        }
    }
}

pub(crate) type FaultOf = Box<dyn FnMut(&str, &str) -> Option<Fault>>;

/// The service. Times are in milliseconds since 1970.
pub(crate) struct Service {
    pub images: BTreeMap<String, Vec<Image>>,
    pub quotas: BTreeMap<&'static str, i64>,
    pub fates: BTreeMap<&'static str, Fate>,
    /// How long a copy takes.
    pub copy_millis: u64,
    /// How long a new copy is not to be seen.
    pub hidden_millis: u64,
    /// Whether a name that is given and taken is refused.
    pub guards_names: bool,
    /// Copies to this region are refused with this code, also when others are asked for too.
    pub refuse_copies_to: Option<(&'static str, &'static str)>,
    /// A request for several regions is refused.
    pub takes_one_region: bool,
    /// Requests are accepted without the ids of the copies.
    pub hides_ids: bool,
    /// What goes wrong with a request, by action and region.
    pub fault: FaultOf,
    /// The actions and regions of the requests that came.
    pub log: Vec<(String, String)>,
    /// The regions of each `SyncImages` that was accepted.
    pub accepted: Vec<Vec<String>>,
    pub made: u32,
}

impl Default for Service {
    fn default() -> Self {
        let regions = ["ap-guangzhou", "ap-beijing", "ap-chengdu", "ap-nanjing", "ap-hongkong", "ap-tokyo"];
        let mut images: BTreeMap<_, _> =
            regions.iter().map(|region| ((*region).to_owned(), Vec::new())).collect();
        let sources = [("img-source01", "base"), ("img-source02", "web"), ("img-source03", "base-gpu")];
        images.insert(HOME.into(), sources.iter().map(|(id, name)| Image::new(id, name)).collect());
        Self {
            images,
            quotas: BTreeMap::new(),
            fates: BTreeMap::new(),
            copy_millis: 60_000,
            hidden_millis: 0,
            guards_names: true,
            refuse_copies_to: None,
            takes_one_region: false,
            hides_ids: false,
            fault: Box::new(|_, _| None),
            log: Vec::new(),
            accepted: Vec::new(),
            made: 0,
        }
    }
}

impl Service {
    /// The same fault for these requests, so many times.
    pub(crate) fn faulty(
        mut self,
        fault: Fault,
        action: &'static str,
        region: &'static str,
        times: u32,
    ) -> Self {
        let mut left = times;
        self.fault = Box::new(move |of, at| {
            let hit = left > 0 && of == action && (region.is_empty() || at == region);
            left -= u32::from(hit);
            hit.then_some(fault)
        });
        self
    }

    pub(crate) fn add(mut self, region: &str, image: Image) -> Self {
        self.images.get_mut(region).unwrap().push(image);
        self
    }

    pub(crate) fn source(&mut self) -> &mut Image {
        &mut self.images.get_mut(HOME).unwrap()[0]
    }

    /// All copies of a source in a region, whatever their state.
    pub(crate) fn copies(&self, source: &str, region: &str) -> Vec<&Image> {
        self.images[region].iter().filter(|image| image.source.as_deref() == Some(source)).collect()
    }

    pub(crate) fn count(&self, action: &str) -> usize {
        self.log.iter().filter(|(known, _)| known == action).count()
    }

    pub(crate) fn serve(&mut self, request: &Request, now: u64) -> Reply {
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let (action, region) = (request.action().to_owned(), request.region().unwrap().to_owned());
        self.log.push((action.clone(), region.clone()));
        let fault = (self.fault)(&action, &region);
        match fault {
            Some(Fault::Error(code)) => return refused(code),
            Some(Fault::BadGateway) => return answer(502, "<html>Bad Gateway</html>"),
            Some(Fault::NotSent) => return not_sent(),
            Some(Fault::DropBefore) => return lost(),
            _ => {}
        }
        let done = if self.images.contains_key(&region) {
            match action.as_str() {
                "DescribeImages" => self.describe(&region, &body, now),
                "DescribeImageQuota" => Ok(json!({"ImageNumQuota": self.quota(&region)})),
                "SyncImages" => self.sync(&region, &body, now),
                "ModifyImageAttribute" => self.modify(&region, &body),
                "DeleteImages" => self.delete(&region, &body, now),
                "GetCallerIdentity" => Ok(json!({"AccountId": "100000000001", "Type": "CAMUser"})),
                other => panic!("unexpected action {other}"),
            }
        } else {
            Err("InvalidParameterValue")
        };
        match (fault, done) {
            (Some(Fault::DropAfter), _) => lost(),
            (Some(Fault::Truncated), Ok(_)) => answer(200, r#"{"Response":{"ImageSet":[{"Ima"#),
            (_, Err(code)) => refused(code),
            (_, Ok(members)) => {
                let text = members.to_string();
                let inner = &text[1..text.len() - 1];
                ok(&if inner.is_empty() { String::new() } else { format!("{inner},") })
            }
        }
    }

    fn quota(&self, region: &str) -> i64 {
        self.quotas.get(region).copied().unwrap_or(500)
    }

    fn describe(&self, region: &str, body: &Value, now: u64) -> Result<Value, &'static str> {
        let ids: Vec<&str> = texts(&body["ImageIds"]);
        let empty = Vec::new();
        let filters = body["Filters"].as_array().unwrap_or(&empty);
        let fits = |image: &Image| {
            (ids.is_empty() || ids.contains(&image.id.as_str()))
                && filters.iter().all(|filter| {
                    let value = texts(&filter["Values"])[0];
                    match filter["Name"].as_str().unwrap() {
                        "image-name" => image.name.contains(value),
                        "image-type" => image.kind == value,
                        other => panic!("unexpected filter {other}"),
                    }
                })
        };
        let found: Vec<Value> = self.images[region]
            .iter()
            .filter(|image| image.visible_from <= now && fits(image))
            .map(|image| self.view(image, now))
            .collect();
        let offset = body["Offset"].as_u64().unwrap_or(0) as usize;
        let limit = body["Limit"].as_u64().unwrap_or(20) as usize;
        let page: Vec<_> = found.iter().skip(offset).take(limit).collect();
        Ok(json!({"ImageSet": page, "TotalCount": found.len()}))
    }

    fn view(&self, image: &Image, now: u64) -> Value {
        let (state, percent) = image.state(now, self.copy_millis);
        let tags: Vec<_> =
            image.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        json!({
            "ImageId": image.id, "ImageName": image.name, "OsName": image.os, "Architecture": "x86_64",
            "ImageSize": image.size, "ImageType": image.kind, "CreatedTime": image.created,
            "ImageDescription": image.description, "ImageFamily": image.family, "ImageState": state,
            "SyncPercent": percent, "Tags": tags,
        })
    }

    fn sync(&mut self, home: &str, body: &Value, now: u64) -> Result<Value, &'static str> {
        assert_eq!(body["ImageSetRequired"], json!(true));
        let ids = texts(&body["ImageIds"]);
        let regions: Vec<String> = texts(&body["DestinationRegions"]).into_iter().map(Into::into).collect();
        assert_eq!(ids.len(), 1, "one image a request");
        let Some(source) = self.images[home].iter().find(|image| image.id == ids[0]).cloned() else {
            return Err("InvalidImageId.NotFound");
        };
        match source.state(now, self.copy_millis).0 {
            "NORMAL" => {}
            "SYNCING" => return Err("InvalidParameterValue.InvalidImageState"),
            _ => return Err("InvalidImageId.IncorrectState"),
        }
        let name = body["ImageName"].as_str();
        for region in &regions {
            let Some(images) = self.images.get(region) else { return Err("InvalidRegion.NotFound") };
            let own = || images.iter().filter(|image| image.kind == "PRIVATE_IMAGE");
            if self.guards_names && name.is_some_and(|name| own().any(|image| image.name == name)) {
                return Err("InvalidImageName.Duplicate");
            }
            if own().count() as i64 >= self.quota(region) {
                return Err("ImageQuotaLimitExceeded");
            }
        }
        if self.takes_one_region && regions.len() > 1 {
            return Err("InvalidParameterValue.LimitExceeded");
        }
        if let Some((_, code)) =
            self.refuse_copies_to.filter(|(region, _)| regions.iter().any(|of| of == region))
        {
            return Err(code);
        }
        if body["DryRun"] == json!(true) {
            return Err("DryRunOperation");
        }
        let mut set = Vec::new();
        for region in &regions {
            self.made += 1;
            let id = format!("img-copy{:04}", self.made);
            let fate = self.fates.get(region.as_str()).copied().unwrap_or(Fate::Fine);
            let copy = Image {
                id: id.clone(),
                name: name.unwrap_or(&source.name).into(),
                kind: "PRIVATE_IMAGE",
                created: "2019-02-26T00:00:00Z".into(),
                description: String::new(),
                family: String::new(),
                tags: Vec::new(),
                source: Some(source.id.clone()),
                visible_from: now + self.hidden_millis,
                copying: Some((now, fate)),
                outgoing: Vec::new(),
                ..source.clone()
            };
            self.images.get_mut(region).unwrap().push(copy);
            let outgoing = self.images.get_mut(home).unwrap();
            let original = outgoing.iter_mut().find(|image| image.id == source.id).unwrap();
            original.outgoing.push((now, fate));
            set.push(json!({"Region": region, "ImageId": id}));
        }
        self.accepted.push(regions);
        Ok(if self.hides_ids { json!({"ImageSet": null}) } else { json!({"ImageSet": set}) })
    }

    fn modify(&mut self, region: &str, body: &Value) -> Result<Value, &'static str> {
        let images = self.images.get_mut(region).unwrap().iter_mut();
        let image = images.into_iter().find(|image| body["ImageId"] == json!(image.id));
        let Some(image) = image else { return Err("InvalidImageId.NotFound") };
        if let Some(text) = body["ImageDescription"].as_str() {
            image.description = text.into();
        }
        if let Some(text) = body["ImageFamily"].as_str() {
            image.family = text.into();
        }
        Ok(json!({}))
    }

    fn delete(&mut self, region: &str, body: &Value, now: u64) -> Result<Value, &'static str> {
        let id = texts(&body["ImageIds"])[0];
        let length = self.copy_millis;
        let images = self.images.get_mut(region).unwrap();
        match images.iter().find(|image| image.id == id).map(|image| image.state(now, length).0) {
            None => Err("InvalidImageId.NotFound"),
            Some("SYNCING") => Err("InvalidImageId.IncorrectState"),
            Some(_) => {
                images.retain(|image| image.id != id);
                Ok(json!({}))
            }
        }
    }
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().map(|list| list.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}
